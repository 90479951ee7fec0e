//! Workers of the harness: the cost of the load at its origin, and its lateness.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{distribution::Distribution, processes::natural_sort_key, run_window::RunWindow};
use crate::record::{
    SourceRole,
    names::{gauge, latency},
};

/// A worker of the harness; sizes in bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerSummary {
    /// Name: `w1`.
    pub id: String,
    /// Most sockets open at once.
    pub sockets_peak: u64,
    /// Most resident memory.
    pub rss_peak: Option<u64>,
    /// Most open files.
    pub open_files_peak: Option<u64>,
    /// CPU time in seconds.
    pub cpu_s: Option<f64>,
    /// Time from when an action was due to when the worker began it, in the steady phase.
    pub send_lag_ms: Distribution,
}

/// Computes the section, by id.
pub(super) fn workers(window: &RunWindow) -> Vec<WorkerSummary> {
    let workers = window.sources.with_role(SourceRole::Worker);
    let mut workers: Vec<WorkerSummary> = workers
        .map(|(id, series)| {
            let peak = |name| series.peak(name, window.range()).map(|value| value as u64);
            WorkerSummary {
                id: id.to_owned(),
                // A worker always counts its own sockets, so no row means none.
                sockets_peak: peak(gauge::SOCKETS_OPEN).unwrap_or(0),
                rss_peak: peak(gauge::RSS),
                open_files_peak: peak(gauge::OPEN_FILES),
                cpu_s: series.growth(gauge::CPU, window.range()),
                send_lag_ms: window.distribution_of(&format!("{}@{id}", latency::SEND_LAG)),
            }
        })
        .collect();
    workers.sort_by_cached_key(|worker| natural_sort_key(&worker.id));
    workers
}
