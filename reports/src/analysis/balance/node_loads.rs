//! The load of each node before the drain, which shows the cost of an uneven spread.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    analysis::{
        distribution::Distribution, growth::growth_per_s, processes::natural_sort_key,
        run_window::RunWindow, source_series::SourceSeries,
    },
    record::{
        SourceRole,
        names::{gauge, latency},
    },
};

/// The load of a node before the drain; sizes in bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeLoadSummary {
    /// Name of the node.
    pub id: String,
    /// Open sockets.
    pub sockets: u64,
    /// Open sockets over the mean of all nodes.
    pub over_mean: f64,
    /// Live bytes of the allocator.
    pub heap: Option<u64>,
    /// Resident memory.
    pub rss: Option<u64>,
    /// CPU cores in use in the steady phase.
    pub cpu_cores: Option<f64>,
    /// Service time of replies to commands for the node's own sockets, in the steady phase.
    pub commands_ms: Distribution,
}

/// Returns the load of the nodes that were up and report their sockets, by id.
pub(super) fn node_loads(window: &RunWindow) -> Vec<NodeLoadSummary> {
    let end = window.end();
    let nodes = window.sources.with_role(SourceRole::Node);
    let mut nodes: Vec<(&str, &SourceSeries, f64)> = nodes
        .filter_map(|(id, series)| Some((id, series, series.value_at(gauge::SOCKETS_OPEN, end)?)))
        .collect();
    nodes.sort_by_cached_key(|(id, ..)| natural_sort_key(id));
    let mean = nodes.iter().map(|(.., sockets)| sockets).sum::<f64>() / nodes.len().max(1) as f64;
    // Without sockets there is no load to compare.
    if mean <= 0.0 {
        return Vec::new();
    }
    nodes
        .into_iter()
        .map(|(id, series, sockets)| {
            let at_end = |name| series.value_at(name, end).map(|value| value as u64);
            NodeLoadSummary {
                id: id.to_owned(),
                sockets: sockets as u64,
                over_mean: sockets / mean,
                heap: at_end(gauge::HEAP),
                rss: at_end(gauge::RSS),
                cpu_cores: growth_per_s(window, series, gauge::CPU),
                commands_ms: window.distribution_of(&format!("{}@{id}", latency::COMMAND_OWNER)),
            }
        })
        .collect()
}
