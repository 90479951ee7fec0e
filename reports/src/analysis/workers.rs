//! Workers of the harness: what the load cost where it was made, and how late
//! it was.

use super::{processes::natural_sort_key, run_window::RunWindow};
use crate::{
    record::{
        SourceRole,
        names::{gauge, latency},
    },
    summary::WorkerSummary,
};

/// The summary's `workers`, by id.
pub(crate) fn workers(cut: &RunWindow) -> Vec<WorkerSummary> {
    let mut workers: Vec<WorkerSummary> = cut
        .series
        .with_role(SourceRole::Worker)
        .map(|(id, track)| {
            let peak = |name| track.peak(name, cut.range()).map(|value| value as u64);
            WorkerSummary {
                id: id.to_owned(),
                sockets_peak: peak(gauge::SOCKETS_OPEN).unwrap_or(0),
                rss_peak: peak(gauge::RSS),
                open_files_peak: peak(gauge::OPEN_FILES),
                cpu_s: track.growth(gauge::CPU, cut.range()),
                send_lag_ms: cut.distribution_of(&format!("{}@{id}", latency::SEND_LAG)),
            }
        })
        .collect();
    workers.sort_by_cached_key(|worker| natural_sort_key(&worker.id));
    workers
}
