//! What nodes put on the backplane and what nodes took from it.

use highwater_scenarios::plan::{PublishLoad, SystemSpec};

use super::{CountPair, incomplete_reason, ledger_side, recent_growth, role_total};
use crate::{
    analysis::run_window::RunWindow,
    record::{SourceRole, names::gauge},
};

pub(super) fn pairs(cut: &RunWindow) -> Vec<CountPair> {
    let doubt = incomplete_reason(cut);
    let count = |name| role_total(cut, SourceRole::Node, name);
    let mut pairs = vec![CountPair::new(
        "messages between nodes",
        ledger_side("nodes sent", count(gauge::UNICASTS_SENT)),
        ledger_side("nodes received", count(gauge::UNICASTS_RECEIVED)),
        recent_growth(cut, SourceRole::Node, gauge::UNICASTS_SENT),
    )];
    if let Some(others) = guaranteed_receivers(cut) {
        let sent = count(gauge::TOPICS_SENT).map(|sent| sent * others);
        pairs.push(CountPair::new(
            "topic messages between nodes",
            ledger_side("others were to receive", sent),
            ledger_side("others received", count(gauge::TOPICS_RECEIVED)),
            recent_growth(cut, SourceRole::Node, gauge::TOPICS_SENT) * others,
        ));
    }
    let pairs = pairs.into_iter();
    pairs
        .map(|pair| pair.with_incomplete(doubt.as_deref()))
        .collect()
}

/// Nodes beside the one that publishes, where each is sure to have a subscriber of
/// every topic from the start.
fn guaranteed_receivers(cut: &RunWindow) -> Option<u64> {
    let plan = &cut.record.manifest.plan;
    let SystemSpec::Cluster(cluster) = &plan.system else {
        return None;
    };
    let nodes = u64::from(cluster.nodes);
    let everywhere = |load: &PublishLoad| {
        let pool = plan.devices.iter().find(|pool| pool.name == load.pool);
        let from_the_start = pool.is_some_and(|pool| pool.start.is_none());
        load.topics == 1 && load.subscribers >= nodes && from_the_start
    };
    let steady = plan.events.is_empty() && plan.publish.iter().all(everywhere);
    (steady && !plan.publish.is_empty() && nodes > 1).then(|| nodes - 1)
}
