//! The keys of `broker` fit the backplane.

use highwater_types::BrokerMonitoring;

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
    let url = match backplane {
        BackplaneAddress::Broker(url) => url,
        BackplaneAddress::Local => {
            sink.report(
                broker.location(),
                Diagnostic::new("the harness measures the embedded broker by itself")
                    .expected("`broker` beside a `backplane` that is an address"),
            );
            return;
        }
    };
    if let BrokerMonitoring::Command(command) = url.kind().monitoring()
        && broker.monitor.value.is_some()
    {
        let name = url.kind().name();
        sink.report(
            &broker.monitor.location,
            Diagnostic::new(format!("{name} has no monitoring endpoint"))
                .expected("`pid`, or nothing")
                .hint(format!(
                    "it is asked with {command} at the backplane's own address"
                )),
        );
    }
}
