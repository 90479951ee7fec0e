//! Sockets that balancers forwarded, held against both of their ends: the sockets of the
//! clients and those of the nodes.
//!
//! The counts are taken before the drain, because balancers report how many sockets are
//! open, not how many have been.

use std::collections::BTreeMap;

use highwater_scenarios::plan::{BalancerKind, LoadModel, Plan, PublishLoad};

use super::CountPair;
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

/// Seconds within which all processes are sampled.
const SAMPLED_WITHIN_S: f64 = 2.0;
/// Connections of the sampler itself to a balancer.
const SAMPLER_CONNECTIONS: u64 = 1;

/// Returns the pairs; none where no balancer reports its sockets.
pub(super) fn pairs(window: &RunWindow) -> Vec<CountPair> {
    let open = |role, name| {
        let sum = window.sum_at(role, name, window.end());
        sum.map(|sockets| sockets as u64)
    };
    let Some(forwarded) = open(SourceRole::Balancer, gauge::BALANCER_SOCKETS) else {
        return Vec::new();
    };
    let end = window.end();
    // Sockets that opened or ended between two samples are in one count only.
    let unsure = turnover(window, end - SAMPLED_WITHIN_S, end) + other_connections(window);
    let by_node = SocketsByNode::of(window);
    let mut pairs = Vec::new();
    if let Some(clients) = open(SourceRole::Worker, gauge::SOCKETS_OPEN) {
        pairs.push(CountPair::new(
            "sockets before the drain",
            ("clients held", Some(clients)),
            ("balancers forwarded", Some(forwarded)),
            unsure,
        ));
    }
    if let Some(nodes) = open(SourceRole::Node, gauge::SOCKETS_OPEN) {
        let pair = CountPair::new(
            "forwarded sockets before the drain",
            ("balancers forwarded", Some(forwarded)),
            ("nodes held", Some(nodes)),
            unsure,
        );
        pairs.push(pair.with_incomplete(by_node.incomplete_reason().as_deref()));
    }
    pairs.extend(by_node.pairs(unsure));
    pairs
}

/// The sockets of each node, counted at both ends.
struct SocketsByNode {
    /// Sockets that all balancers together forward to a node.
    forwarded: BTreeMap<String, u64>,
    /// Sockets that each node has open, where it was up.
    open_sockets: BTreeMap<String, u64>,
}

impl SocketsByNode {
    fn of(window: &RunWindow) -> Self {
        let mut forwarded: BTreeMap<String, u64> = BTreeMap::new();
        for (_, series) in window.sources.with_role(SourceRole::Balancer) {
            for (node, sockets) in sockets_by_node_at(series, window.end()).unwrap_or_default() {
                *forwarded.entry(node).or_default() += sockets;
            }
        }
        let nodes = window.sources.with_role(SourceRole::Node);
        let open_sockets = nodes.filter_map(|(id, series)| {
            let open = series.value_at(gauge::SOCKETS_OPEN, window.end())?;
            Some((id.to_owned(), open as u64))
        });
        Self {
            open_sockets: open_sockets.collect(),
            forwarded,
        }
    }

    /// Returns why the nodes' counts are incomplete: a hung node keeps its sockets open and
    /// reports nothing.
    fn incomplete_reason(&self) -> Option<String> {
        let mut forwarded = self.forwarded.iter();
        let (node, _) = forwarded
            .find(|(node, sockets)| **sockets > 0 && !self.open_sockets.contains_key(*node))?;
        Some(format!("the number of sockets of {node} is not known"))
    }

    fn pairs(&self, unsure: u64) -> Vec<CountPair> {
        let mut nodes: Vec<_> = self.open_sockets.iter().collect();
        nodes.sort_by_cached_key(|(id, _)| natural_sort_key(id));
        nodes
            .into_iter()
            .filter_map(|(id, &open)| {
                let forwarded = *self.forwarded.get(id)?;
                Some(CountPair::new(
                    format!("sockets of {id} before the drain"),
                    ("balancers forwarded", Some(forwarded)),
                    ("it held", Some(open)),
                    unsure,
                ))
            })
            .collect()
    }
}

/// Counts the connections that a balancer may count and that carry no socket: one for each
/// command in flight, one of each worker between two commands, those of publishers, and the
/// sampler's.
fn other_connections(window: &RunWindow) -> u64 {
    let manifest = &window.record.manifest;
    // The gateway counts sockets alone; other balancers count every connection.
    let cluster = manifest.plan.cluster();
    if cluster.is_some_and(|cluster| cluster.balancer == BalancerKind::Gateway) {
        return 0;
    }
    let most = max_commands_in_flight(&manifest.plan);
    let commands = commands_in_flight(window).map_or(most, |in_flight| in_flight.min(most));
    let publishers = manifest.plan.publish.iter().map(PublishLoad::connections);
    commands + publishers.sum::<u64>() + u64::from(manifest.workers) + SAMPLER_CONNECTIONS
}

/// Returns the most commands in flight that the plan allows.
fn max_commands_in_flight(plan: &Plan) -> u64 {
    let most = plan.commands.iter().map(|load| match load.model {
        LoadModel::Closed { users, .. } => users,
        LoadModel::Open { max_in_flight, .. } => max_in_flight,
    });
    most.sum()
}

/// Returns the most commands that were in flight at any instant of the last seconds before
/// the drain; `None` if a worker does not report them.
fn commands_in_flight(window: &RunWindow) -> Option<u64> {
    let end = window.end();
    let from = end - SAMPLED_WITHIN_S;
    let mut in_flight = 0;
    for (_, series) in window.sources.with_role(SourceRole::Worker) {
        in_flight += series.value_at(gauge::COMMANDS_IN_FLIGHT, from)? as u64;
    }
    // Commands issued since then may all have been in flight together with those.
    let issued = window.worker_rows_touching(from..end);
    let issued = issued.map(|row| row.counter(counter::COMMANDS_ISSUED));
    Some(in_flight + issued.sum::<u64>())
}
