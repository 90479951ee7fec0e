//! What nodes put on the backplane and what nodes took from it.

use highwater_scenarios::plan::{PublishLoad, System};

use super::{Pair, doubt, lately, side, total};
use crate::{
    analysis::run_window::Cut,
    record::{Role, names::gauge},
};

pub(super) fn pairs(cut: &Cut) -> Vec<Pair> {
    let doubt = doubt(cut);
    let count = |name| total(cut, Role::Node, name);
    let mut pairs = vec![Pair::new(
        "messages between nodes",
        side("nodes sent", count(gauge::UNICASTS_SENT)),
        side("nodes received", count(gauge::UNICASTS_RECEIVED)),
        lately(cut, Role::Node, gauge::UNICASTS_SENT),
    )];
    if let Some(others) = others_that_hear_all(cut) {
        let sent = count(gauge::TOPICS_SENT).map(|sent| sent * others);
        pairs.push(Pair::new(
            "topic messages between nodes",
            side("others were to receive", sent),
            side("others received", count(gauge::TOPICS_RECEIVED)),
            lately(cut, Role::Node, gauge::TOPICS_SENT) * others,
        ));
    }
    let pairs = pairs.into_iter();
    pairs
        .map(|pair| pair.with_doubt(doubt.as_deref()))
        .collect()
}

/// Nodes beside the one that publishes, where each is sure to have a subscriber of
/// every topic from the start.
fn others_that_hear_all(cut: &Cut) -> Option<u64> {
    let plan = &cut.record.manifest.plan;
    let System::Cluster(cluster) = &plan.system else {
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
