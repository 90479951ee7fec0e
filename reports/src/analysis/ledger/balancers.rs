//! What balancers count as forwarded, held against both of its ends: the sockets of
//! the clients, and those of the nodes. Taken before the drain, since what balancers
//! tell is how many there are, not how many there have been.

use std::collections::BTreeMap;

use highwater_scenarios::plan::{BalancerKind, LoadModel, Plan, PublishLoad, SystemSpec};

use super::{CountPair, ledger_side};
use crate::{
    analysis::{
        balancers::sockets_by_node_at, processes::natural_sort_key, run_window::RunWindow,
        sockets::turnover,
    },
    record::{
        SourceRole,
        names::{counter, gauge},
    },
};

/// All are sampled within this of each other.
const SAMPLED_WITHIN_S: f64 = 2.0;
/// Connections of the sampler's own to a balancer.
const SAMPLER_CONNECTIONS: u64 = 1;

/// None where no balancer says how many sockets it forwards.
pub(super) fn pairs(cut: &RunWindow) -> Vec<CountPair> {
    let Some(forwarded) = open_at_end(cut, SourceRole::Balancer, gauge::BALANCER_SOCKETS) else {
        return Vec::new();
    };
    let end = cut.end();
    let besides = other_connections(cut);
    let unsure = turnover(cut, end - SAMPLED_WITHIN_S, end) + besides;
    let by_node = SocketsByNode::of(cut);
    let silent = by_node.incomplete_reason();
    let mut pairs = Vec::new();
    if let Some(clients) = open_at_end(cut, SourceRole::Worker, gauge::SOCKETS_OPEN) {
        let (left, right) = (
            ledger_side("clients held", Some(clients)),
            ledger_side("balancers forwarded", Some(forwarded)),
        );
        pairs.push(CountPair::new(
            "sockets before the drain",
            left,
            right,
            unsure,
        ));
    }
    if let Some(nodes) = open_at_end(cut, SourceRole::Node, gauge::SOCKETS_OPEN) {
        let (left, right) = (
            ledger_side("balancers forwarded", Some(forwarded)),
            ledger_side("nodes held", Some(nodes)),
        );
        let what = "forwarded sockets before the drain";
        pairs.push(CountPair::new(what, left, right, unsure).with_incomplete(silent.as_deref()));
    }
    pairs.extend(by_node.pairs(unsure));
    pairs
}

/// Sockets by node.
struct SocketsByNode {
    /// As all balancers together count them.
    forwarded: BTreeMap<String, u64>,
    /// As nodes that were up count them.
    open_sockets: BTreeMap<String, u64>,
}

impl SocketsByNode {
    fn of(cut: &RunWindow) -> Self {
        let mut forwarded: BTreeMap<String, u64> = BTreeMap::new();
        for (_, track) in cut.series.with_role(SourceRole::Balancer) {
            for (node, sockets) in sockets_by_node_at(track, cut.end()).unwrap_or_default() {
                *forwarded.entry(node).or_default() += sockets;
            }
        }
        let nodes = cut
            .series
            .with_role(SourceRole::Node)
            .filter_map(|(id, track)| {
                let held = track.value_at(gauge::SOCKETS_OPEN, cut.end())?;
                Some((id.to_owned(), held as u64))
            });
        let open_sockets = nodes.collect();
        Self {
            forwarded,
            open_sockets,
        }
    }

    /// Why what the nodes held is not known in full: one hangs with its sockets open.
    fn incomplete_reason(&self) -> Option<String> {
        let mut forwarded = self.forwarded.iter();
        let (node, _) = forwarded
            .find(|(node, sockets)| **sockets > 0 && !self.open_sockets.contains_key(*node))?;
        Some(format!("how many sockets {node} held is not known"))
    }

    fn pairs(&self, unsure: u64) -> Vec<CountPair> {
        let mut nodes: Vec<_> = self.open_sockets.iter().collect();
        nodes.sort_by_cached_key(|(id, _)| natural_sort_key(id));
        nodes
            .into_iter()
            .filter_map(|(id, &held)| {
                let forwarded = ledger_side("balancers forwarded", Some(*self.forwarded.get(id)?));
                let what = format!("sockets of {id} before the drain");
                let held = ledger_side("it held", Some(held));
                Some(CountPair::new(what, forwarded, held, unsure))
            })
            .collect()
    }
}

/// Connections that a balancer may count and that carry no socket: one for each command
/// that was under way when it was asked, one of each worker that is between two
/// commands, those of publishers, and the sampler's. The gateway counts sockets alone.
fn other_connections(cut: &RunWindow) -> u64 {
    let manifest = &cut.record.manifest;
    if let SystemSpec::Cluster(cluster) = &manifest.plan.system
        && cluster.balancer == BalancerKind::Gateway
    {
        return 0;
    }
    let most = max_commands_in_flight(&manifest.plan);
    let commands = commands_in_flight(cut).map_or(most, |under_way| under_way.min(most));
    let published = manifest.plan.publish.iter().map(PublishLoad::connections);
    commands + published.sum::<u64>() + u64::from(manifest.workers) + SAMPLER_CONNECTIONS
}

/// That the plan lets be under way at once.
fn max_commands_in_flight(plan: &Plan) -> u64 {
    let most = plan.commands.iter().map(|load| match load.model {
        LoadModel::Closed { users, .. } => users,
        LoadModel::Open { max_in_flight, .. } => max_in_flight,
    });
    most.sum()
}

/// At most, at any instant of the last before the drain: those that were when it began,
/// and all that were sent in it. `None` if a worker does not say.
fn commands_in_flight(cut: &RunWindow) -> Option<u64> {
    let end = cut.end();
    let from = end - SAMPLED_WITHIN_S;
    let mut under_way = 0;
    for (_, track) in cut.series.with_role(SourceRole::Worker) {
        under_way += track.value_at(gauge::COMMANDS_IN_FLIGHT, from)? as u64;
        let lines = track.rows().iter();
        let lately = lines.filter(|line| line.end() > from && line.at < end);
        under_way += lately
            .map(|line| line.counter(counter::COMMANDS_ISSUED))
            .sum::<u64>();
    }
    Some(under_way)
}

/// A gauge over all sources of a role, before the drain; `None` when none showed it.
fn open_at_end(cut: &RunWindow, role: SourceRole, name: &str) -> Option<u64> {
    let shown: Vec<f64> = cut
        .series
        .with_role(role)
        .filter_map(|(_, track)| track.value_at(name, cut.end()))
        .collect();
    (!shown.is_empty()).then(|| shown.iter().sum::<f64>() as u64)
}
