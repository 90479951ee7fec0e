//! The keys of `broker` fit the backplane.

use highwater_types::BrokerKind;

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    scenario::Scenario,
    section::Section,
    value::BackplaneAddress,
};

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    let Some(cluster) = scenario.only_cluster() else {
        return;
    };
    let (Some(broker), Some(backplane)) = (&cluster.broker.value, &cluster.backplane.value) else {
        return;
    };
    match backplane {
        BackplaneAddress::Local => sink.report(
            broker.location(),
            Diagnostic::new("the harness measures the embedded broker by itself")
                .expected("`broker` beside a `backplane` that is an address"),
        ),
        BackplaneAddress::Broker(url)
            if url.kind() == BrokerKind::Redis && broker.monitor.value.is_some() =>
        {
            sink.report(
                &broker.monitor.location,
                Diagnostic::new("Redis has no monitoring endpoint")
                    .expected("`pid`, or nothing")
                    .hint("it is asked with INFO at the backplane's own address"),
            );
        }
        BackplaneAddress::Broker(_) => {}
    }
}
