//! What is said of a broker fits the backplane.

use highwater_types::BrokerKind;

use crate::{
    diagnostic::DiagnosticSink,
    scenario::{Scenario, SystemSection},
    section::cluster::BackplaneSection,
};

pub(super) fn check(scenario: &Scenario, findings: &mut DiagnosticSink) {
    let SystemSection::Cluster(cluster) = &scenario.system else {
        return;
    };
    let (Some(broker), Some(backplane)) = (&cluster.broker, &cluster.backplane) else {
        return;
    };
    match (&backplane.value, &broker.monitor) {
        (BackplaneSection::Local, _) => {
            let what = "the embedded broker is measured without being told where";
            let finding = broker.location.diagnostic(what);
            findings.add(finding.expected("`broker` beside a `backplane` that is an address"));
        }
        (BackplaneSection::Broker(url), Some(monitor)) if url.kind() == BrokerKind::Redis => {
            let finding = monitor
                .location
                .diagnostic("Redis has no monitoring endpoint");
            let hint = "it is asked with INFO at the backplane's own address";
            findings.add(finding.expected("`pid`, or nothing").hint(hint));
        }
        _ => {}
    }
}
