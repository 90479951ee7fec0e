//! What balancers count as forwarded, held against both of its ends: the sockets of
//! the clients, and those of the nodes. Taken before the drain, since what balancers
//! tell is how many there are, not how many there have been.

use std::collections::BTreeMap;

use highwater_scenarios::plan::{Balancer, LoadModel, PublishLoad, System};

use super::{Pair, side};
use crate::{
    analysis::{balancers::by_node_at, cut::Cut, processes::natural, sockets::turnover},
    record::{Manifest, Role, names::gauge},
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
    let besides = connections_besides(&cut.record.manifest);
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

/// Connections that a balancer may count and that carry no socket: at most one for each
/// command under way, one of each worker that is between two commands, and the
/// sampler's. The gateway counts sockets alone.
fn connections_besides(manifest: &Manifest) -> u64 {
    if let System::Cluster(cluster) = &manifest.plan.system
        && cluster.balancer == Balancer::Gateway
    {
        return 0;
    }
    let commands = manifest.plan.commands.iter().map(|load| match load.model {
        LoadModel::Closed { users, .. } => users,
        LoadModel::Open { max_in_flight, .. } => max_in_flight,
    });
    let published = manifest.plan.publish.iter().map(PublishLoad::connections);
    let publishers = published.sum::<u64>();
    commands.sum::<u64>() + publishers + u64::from(manifest.workers) + SAMPLERS
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
