//! What is said of a broker fits the backplane.

use crate::{
    broker_url::BrokerKind,
    diagnostic::Findings,
    scenario::{Scenario, SystemAsked},
    section::cluster::Backplane,
};

pub(super) fn check(scenario: &Scenario, findings: &mut Findings) {
    let SystemAsked::Cluster(cluster) = &scenario.system else {
        return;
    };
    let (Some(broker), Some(backplane)) = (&cluster.broker, &cluster.backplane) else {
        return;
    };
    match (&backplane.value, &broker.monitor) {
        (Backplane::Local, _) => {
            let what = "the embedded broker is measured without being told where";
            let finding = broker.spot.finding(what);
            findings.add(finding.accepted("`broker` beside a `backplane` that is an address"));
        }
        (Backplane::Broker(url), Some(monitor)) if url.kind() == BrokerKind::Redis => {
            let finding = monitor.spot.finding("Redis has no monitoring endpoint");
            let hint = "it is asked with INFO at the backplane's own address";
            findings.add(finding.accepted("`pid`, or nothing").hint(hint));
        }
        _ => {}
    }
}
