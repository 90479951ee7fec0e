//! Workers of the harness: what the load cost where it was made, and how late
//! it was.

use super::{processes::natural, run_window::Cut};
use crate::{
    record::{
        Role,
        names::{gauge, latency},
    },
    summary::Worker,
};

/// The summary's `workers`, by id.
pub(crate) fn workers(cut: &Cut) -> Vec<Worker> {
    let mut workers: Vec<Worker> = cut
        .tracks
        .of(Role::Worker)
        .map(|(id, track)| {
            let peak = |name| track.peak(name, cut.range()).map(|value| value as u64);
            Worker {
                id: id.to_owned(),
                sockets_peak: peak(gauge::SOCKETS_OPEN).unwrap_or(0),
                rss_peak: peak(gauge::RSS),
                open_files_peak: peak(gauge::OPEN_FILES),
                cpu_s: track.growth(gauge::CPU, cut.range()),
                send_lag_ms: cut.times(&format!("{}@{id}", latency::SEND_LAG)),
            }
        })
        .collect();
    workers.sort_by_cached_key(|worker| natural(&worker.id));
    workers
}
