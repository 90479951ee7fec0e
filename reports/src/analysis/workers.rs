//! Workers of the harness: the cost of the load at its origin, and its lateness.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    distribution::Distribution, processes::natural_sort_key, run_window::RunWindow,
    source_series::SourceSeries,
};
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
    /// Time by which the coordinator's clock was ahead of the worker's: of all measurements the
    /// one that allows the largest difference. `null` for a worker whose clock was not compared,
    /// such as one on the coordinator's machine.
    #[serde(default)]
    pub clock_offset_ms: Option<f64>,
    /// Most by which that offset may be wrong: half of the round trip of its measurement.
    #[serde(default)]
    pub clock_bound_ms: Option<f64>,
}

/// A comparison of a worker's clock with the coordinator's.
#[derive(Debug, Clone, Copy)]
struct ClockComparison {
    offset_ms: f64,
    bound_ms: f64,
}

/// Computes the section, by id.
pub(super) fn workers(window: &RunWindow) -> Vec<WorkerSummary> {
    let workers = window.sources.with_role(SourceRole::Worker);
    let mut workers: Vec<WorkerSummary> = workers
        .map(|(id, series)| {
            let peak = |name| series.peak(name, window.range()).map(|value| value as u64);
            let clock = largest_clock_offset(series);
            WorkerSummary {
                id: id.to_owned(),
                // A worker always counts its own sockets, so no row means none.
                sockets_peak: peak(gauge::SOCKETS_OPEN).unwrap_or(0),
                rss_peak: peak(gauge::RSS),
                open_files_peak: peak(gauge::OPEN_FILES),
                cpu_s: series.growth(gauge::CPU, window.range()),
                send_lag_ms: window.distribution_of(&format!("{}@{id}", latency::SEND_LAG)),
                clock_offset_ms: clock.map(|clock| clock.offset_ms),
                clock_bound_ms: clock.map(|clock| clock.bound_ms),
            }
        })
        .collect();
    workers.sort_by_cached_key(|worker| natural_sort_key(&worker.id));
    workers
}

/// Returns the measurement that allows the largest difference of the clocks; `None` if there is
/// no measurement.
fn largest_clock_offset(series: &SourceSeries) -> Option<ClockComparison> {
    // A measurement holds until the next one, so those before and after the window count too.
    let measured = series.rows().iter().filter_map(|row| {
        Some(ClockComparison {
            offset_ms: row.gauge(gauge::CLOCK_OFFSET_US)? / 1e3,
            bound_ms: row.gauge(gauge::CLOCK_BOUND_US)? / 1e3,
        })
    });
    let difference = |clock: &ClockComparison| clock.offset_ms.abs() + clock.bound_ms;
    measured.max_by(|a, b| difference(a).total_cmp(&difference(b)))
}
