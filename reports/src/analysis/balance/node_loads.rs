//! What each node carried before the drain: what an uneven spread costs.

use crate::{
    analysis::{
        backplane::processors_of, processes::natural, run_window::Cut, source_series::Track,
    },
    record::{
        Role,
        names::{gauge, latency},
    },
    summary::NodeLoad,
};

/// Of the nodes that were up and say how many sockets they have, by id.
pub(super) fn loads(cut: &Cut) -> Vec<NodeLoad> {
    let mut held: Vec<(&str, &Track, f64)> = cut
        .tracks
        .of(Role::Node)
        .filter_map(|(id, track)| Some((id, track, track.at(gauge::SOCKETS_OPEN, cut.end())?)))
        .collect();
    held.sort_by_cached_key(|(id, ..)| natural(id));
    let mean = held.iter().map(|(.., sockets)| sockets).sum::<f64>() / held.len().max(1) as f64;
    if mean <= 0.0 {
        return Vec::new();
    }
    held.into_iter()
        .map(|(id, track, sockets)| {
            let at_end = |name| track.at(name, cut.end()).map(|value| value as u64);
            NodeLoad {
                id: id.to_owned(),
                sockets: sockets as u64,
                over_mean: sockets / mean,
                heap: at_end(gauge::HEAP),
                rss: at_end(gauge::RSS),
                processors: processors_of(cut, track),
                commands_ms: cut.times(&format!("{}@{id}", latency::COMMAND_OWNER)),
            }
        })
        .collect()
}
