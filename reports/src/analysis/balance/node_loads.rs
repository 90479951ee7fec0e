//! What each node carried before the drain: what an uneven spread costs.

use crate::{
    analysis::{
        backplane::cpu_cores_of, processes::natural_sort_key, run_window::RunWindow,
        source_series::SourceSeries,
    },
    record::{
        SourceRole,
        names::{gauge, latency},
    },
    summary::NodeLoadSummary,
};

/// Of the nodes that were up and say how many sockets they have, by id.
pub(super) fn node_loads(cut: &RunWindow) -> Vec<NodeLoadSummary> {
    let mut held: Vec<(&str, &SourceSeries, f64)> = cut
        .series
        .with_role(SourceRole::Node)
        .filter_map(|(id, track)| {
            Some((id, track, track.value_at(gauge::SOCKETS_OPEN, cut.end())?))
        })
        .collect();
    held.sort_by_cached_key(|(id, ..)| natural_sort_key(id));
    let mean = held.iter().map(|(.., sockets)| sockets).sum::<f64>() / held.len().max(1) as f64;
    if mean <= 0.0 {
        return Vec::new();
    }
    held.into_iter()
        .map(|(id, track, sockets)| {
            let at_end = |name| track.value_at(name, cut.end()).map(|value| value as u64);
            NodeLoadSummary {
                id: id.to_owned(),
                sockets: sockets as u64,
                over_mean: sockets / mean,
                heap: at_end(gauge::HEAP),
                rss: at_end(gauge::RSS),
                cpu_cores: cpu_cores_of(cut, track),
                commands_ms: cut.distribution_of(&format!("{}@{id}", latency::COMMAND_OWNER)),
            }
        })
        .collect()
}
