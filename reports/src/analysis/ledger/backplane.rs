//! Messages that nodes sent over the backplane, and that nodes received from it.

use highwater_scenarios::plan::PublishLoad;

use super::{
    CountPair,
    counts::{incomplete_reason, recent_growth, role_total},
};
use crate::{
    analysis::run_window::RunWindow,
    record::{SourceRole, names::gauge},
};

pub(super) fn pairs(window: &RunWindow) -> Vec<CountPair> {
    let incomplete = incomplete_reason(window);
    let count = |name| role_total(window, SourceRole::Node, name);
    let mut pairs = vec![CountPair::new(
        "messages between nodes",
        ("nodes sent", count(gauge::UNICASTS_SENT)),
        ("nodes received", count(gauge::UNICASTS_RECEIVED)),
        recent_growth(window, SourceRole::Node, gauge::UNICASTS_SENT),
    )];
    if let Some(others) = guaranteed_receivers(window) {
        // A topic message is sent once and received by every other node.
        let sent = count(gauge::TOPICS_SENT).map(|sent| sent * others);
        pairs.push(CountPair::new(
            "topic messages between nodes",
            ("other nodes were to receive", sent),
            ("other nodes received", count(gauge::TOPICS_RECEIVED)),
            recent_growth(window, SourceRole::Node, gauge::TOPICS_SENT) * others,
        ));
    }
    let pairs = pairs.into_iter();
    pairs
        .map(|pair| pair.with_incomplete(incomplete.as_deref()))
        .collect()
}

/// Counts the nodes beside the publishing one, where each has a subscriber of every topic
/// from the start; `None` where that is not certain.
fn guaranteed_receivers(window: &RunWindow) -> Option<u64> {
    let plan = &window.record.manifest.plan;
    let nodes = u64::from(plan.cluster()?.nodes);
    let reaches_every_node = |load: &PublishLoad| {
        let pool = plan.devices.iter().find(|pool| pool.name == load.pool);
        let from_the_start = pool.is_some_and(|pool| pool.start.is_none());
        load.topics == 1 && load.subscribers >= nodes && from_the_start
    };
    // An event may move subscribers away from a node.
    let steady = plan.events.is_empty() && plan.publish.iter().all(reaches_every_node);
    (steady && !plan.publish.is_empty() && nodes > 1).then(|| nodes - 1)
}
