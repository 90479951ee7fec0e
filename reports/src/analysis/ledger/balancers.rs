//! What balancers count as forwarded, held against both of its ends: the sockets of
//! the clients, and those of the nodes. Taken before the drain, since what balancers
//! tell is how many there are, not how many there have been.

use std::collections::BTreeMap;

use highwater_scenarios::plan::{Balancer, LoadModel, Plan, PublishLoad, System};

use super::{Pair, side};
use crate::{
    analysis::{balancers::by_node_at, processes::natural, run_window::Cut, sockets::turnover},
    record::{
        Role,
        names::{counter, gauge},
    },
};

/// All are sampled within this of each other.
const SAMPLED_WITHIN_S: f64 = 2.0;
/// Connections of the sampler's own to a balancer.
const SAMPLERS: u64 = 1;

/// None where no balancer says how many sockets it forwards.
pub(super) fn pairs(cut: &Cut) -> Vec<Pair> {
    let Some(forwarded) = sum(cut, Role::Balancer, gauge::BALANCER_SOCKETS) else {
        return Vec::new();
    };
    let end = cut.end();
    let besides = connections_besides(cut);
    let unsure = turnover(cut, end - SAMPLED_WITHIN_S, end) + besides;
    let by_node = ByNode::of(cut);
    let silent = by_node.silent();
    let mut pairs = Vec::new();
    if let Some(clients) = sum(cut, Role::Worker, gauge::SOCKETS_OPEN) {
        let (left, right) = (
            side("clients held", Some(clients)),
            side("balancers forwarded", Some(forwarded)),
        );
        pairs.push(Pair::new("sockets before the drain", left, right, unsure));
    }
    if let Some(nodes) = sum(cut, Role::Node, gauge::SOCKETS_OPEN) {
        let (left, right) = (
            side("balancers forwarded", Some(forwarded)),
            side("nodes held", Some(nodes)),
        );
        let what = "forwarded sockets before the drain";
        pairs.push(Pair::new(what, left, right, unsure).with_doubt(silent.as_deref()));
    }
    pairs.extend(by_node.pairs(unsure));
    pairs
}

/// Sockets by node.
struct ByNode {
    /// As all balancers together count them.
    forwarded: BTreeMap<String, u64>,
    /// As nodes that were up count them.
    held: BTreeMap<String, u64>,
}

impl ByNode {
    fn of(cut: &Cut) -> Self {
        let mut forwarded: BTreeMap<String, u64> = BTreeMap::new();
        for (_, track) in cut.tracks.of(Role::Balancer) {
            for (node, sockets) in by_node_at(track, cut.end()).unwrap_or_default() {
                *forwarded.entry(node).or_default() += sockets;
            }
        }
        let nodes = cut.tracks.of(Role::Node).filter_map(|(id, track)| {
            let held = track.at(gauge::SOCKETS_OPEN, cut.end())?;
            Some((id.to_owned(), held as u64))
        });
        let held = nodes.collect();
        Self { forwarded, held }
    }

    /// Why what the nodes held is not known in full: one hangs with its sockets open.
    fn silent(&self) -> Option<String> {
        let mut forwarded = self.forwarded.iter();
        let (node, _) =
            forwarded.find(|(node, sockets)| **sockets > 0 && !self.held.contains_key(*node))?;
        Some(format!("how many sockets {node} held is not known"))
    }

    fn pairs(&self, unsure: u64) -> Vec<Pair> {
        let mut nodes: Vec<_> = self.held.iter().collect();
        nodes.sort_by_cached_key(|(id, _)| natural(id));
        nodes
            .into_iter()
            .filter_map(|(id, &held)| {
                let forwarded = side("balancers forwarded", Some(*self.forwarded.get(id)?));
                let what = format!("sockets of {id} before the drain");
                let held = side("it held", Some(held));
                Some(Pair::new(what, forwarded, held, unsure))
            })
            .collect()
    }
}

/// Connections that a balancer may count and that carry no socket: one for each command
/// that was under way when it was asked, one of each worker that is between two
/// commands, those of publishers, and the sampler's. The gateway counts sockets alone.
fn connections_besides(cut: &Cut) -> u64 {
    let manifest = &cut.record.manifest;
    if let System::Cluster(cluster) = &manifest.plan.system
        && cluster.balancer == Balancer::Gateway
    {
        return 0;
    }
    let most = most_commands(&manifest.plan);
    let commands = commands_under_way(cut).map_or(most, |under_way| under_way.min(most));
    let published = manifest.plan.publish.iter().map(PublishLoad::connections);
    commands + published.sum::<u64>() + u64::from(manifest.workers) + SAMPLERS
}

/// That the plan lets be under way at once.
fn most_commands(plan: &Plan) -> u64 {
    let most = plan.commands.iter().map(|load| match load.model {
        LoadModel::Closed { users, .. } => users,
        LoadModel::Open { max_in_flight, .. } => max_in_flight,
    });
    most.sum()
}

/// At most, at any instant of the last before the drain: those that were when it began,
/// and all that were sent in it. `None` if a worker does not say.
fn commands_under_way(cut: &Cut) -> Option<u64> {
    let end = cut.end();
    let from = end - SAMPLED_WITHIN_S;
    let mut under_way = 0;
    for (_, track) in cut.tracks.of(Role::Worker) {
        under_way += track.at(gauge::COMMANDS_IN_FLIGHT, from)? as u64;
        let lines = track.lines().iter();
        let lately = lines.filter(|line| line.end() > from && line.at < end);
        under_way += lately
            .map(|line| line.counter(counter::COMMANDS_ISSUED))
            .sum::<u64>();
    }
    Some(under_way)
}

/// A gauge over all sources of a role, before the drain; `None` when none showed it.
fn sum(cut: &Cut, role: Role, name: &str) -> Option<u64> {
    let shown: Vec<f64> = cut
        .tracks
        .of(role)
        .filter_map(|(_, track)| track.at(name, cut.end()))
        .collect();
    (!shown.is_empty()).then(|| shown.iter().sum::<f64>() as u64)
}
