//! Processes of the system: nodes and consumers, and the part that brokers and balancers
//! have in common with them.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{exits::exit_codes, run_window::RunWindow, source_series::SourceSeries};
use crate::record::{SourceRole, names::gauge};

/// A process of the system; sizes in bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessSummary {
    /// Name: `n1`, `broker`, `b1`, `c1`.
    pub id: String,
    /// Most sockets open at once.
    pub sockets_peak: Option<u64>,
    /// Sockets open before the drain.
    pub sockets_at_end: Option<u64>,
    /// Most resident memory.
    pub rss_peak: Option<u64>,
    /// Most live bytes of the allocator.
    pub heap_peak: Option<u64>,
    /// Most open files.
    pub open_files_peak: Option<u64>,
    /// CPU time in seconds.
    pub cpu_s: Option<f64>,
    /// Control group of the process; `null` when none was observed.
    #[serde(default)]
    pub cgroup: Option<CgroupSummary>,
    /// Restarts of the process.
    pub restarts: Option<u32>,
    /// Exit code of the last time that an event stopped the process; `null` when none did,
    /// or a signal ended it.
    pub exit_code: Option<i32>,
}

/// A control group; sizes in bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CgroupSummary {
    /// Most memory since the group was made, with the page cache of its files.
    // Younger than the first summaries with control groups, which are still read.
    #[serde(default)]
    pub memory_peak: Option<u64>,
    /// Most anonymous memory.
    pub anon_peak: Option<u64>,
    /// Most processes and threads.
    pub pids_peak: Option<u64>,
    /// Time for which its CPU quota was used up, in seconds.
    pub throttled_s: Option<f64>,
    /// Time for which a task waited for a CPU, in seconds.
    pub cpu_pressure_s: Option<f64>,
    /// Time for which a task waited for memory, in seconds.
    pub memory_pressure_s: Option<f64>,
    /// Time for which a task waited for a disk, in seconds.
    #[serde(default)]
    pub io_pressure_s: Option<f64>,
}

/// Summarises the processes of a role, by id: `n2` before `n10`.
pub(super) fn process_summaries(window: &RunWindow, role: SourceRole) -> Vec<ProcessSummary> {
    let processes = window.sources.with_role(role);
    let mut processes: Vec<ProcessSummary> = processes
        .map(|(id, series)| process_summary(window, role, id, series))
        .collect();
    processes.sort_by_cached_key(|process| natural_sort_key(&process.id));
    processes
}

/// Returns the name of the gauge that counts a role's sockets.
pub(super) fn sockets_gauge(role: SourceRole) -> &'static str {
    match role {
        SourceRole::Balancer => gauge::BALANCER_SOCKETS,
        _ => gauge::SOCKETS_OPEN,
    }
}

/// Summarises one process.
pub(super) fn process_summary(
    window: &RunWindow,
    role: SourceRole,
    id: &str,
    series: &SourceSeries,
) -> ProcessSummary {
    let range = window.range();
    let sockets = sockets_gauge(role);
    let peak = |name| series.peak(name, range.clone()).map(|value| value as u64);
    let at_end = series.value_at(sockets, window.end());
    // A restart is a changed start time, whatever the cause.
    let restarts = series.restarts();
    ProcessSummary {
        id: id.to_owned(),
        sockets_peak: peak(sockets),
        sockets_at_end: at_end.map(|value| value as u64),
        rss_peak: peak(gauge::RSS),
        heap_peak: peak(gauge::HEAP),
        open_files_peak: peak(gauge::OPEN_FILES),
        cpu_s: series.growth(gauge::CPU, range.clone()),
        cgroup: cgroup_summary(series, &range),
        restarts: restarts
            .map(|restarts| restarts.iter().filter(|at| range.contains(at)).count() as u32),
        exit_code: exit_codes(window)
            .filter(|(stopped, _)| *stopped == id)
            // A process may be stopped and restarted several times.
            .last()
            .and_then(|(_, code)| code),
    }
}

/// Summarises the control group of a process; `None` when none was observed.
fn cgroup_summary(series: &SourceSeries, range: &Range<f64>) -> Option<CgroupSummary> {
    let peak = |name| series.peak(name, range.clone()).map(|value| value as u64);
    let growth = |name| series.growth(name, range.clone());
    let summary = CgroupSummary {
        memory_peak: peak(gauge::CGROUP_MEMORY_PEAK),
        anon_peak: peak(gauge::CGROUP_ANON),
        pids_peak: peak(gauge::CGROUP_PIDS),
        throttled_s: growth(gauge::CGROUP_THROTTLED),
        cpu_pressure_s: growth(gauge::CGROUP_CPU_PRESSURE),
        memory_pressure_s: growth(gauge::CGROUP_MEMORY_PRESSURE),
        io_pressure_s: growth(gauge::CGROUP_IO_PRESSURE),
    };
    // Without any of them no group was observed.
    let is_observed = summary.anon_peak.or(summary.pids_peak).is_some()
        || summary.throttled_s.or(summary.cpu_pressure_s).is_some();
    is_observed.then_some(summary)
}

/// Returns a key that sorts numbers at the end of names by size.
pub(crate) fn natural_sort_key(id: &str) -> (String, u64) {
    let name = id.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = id[name.len()..].parse().unwrap_or(0);
    (name.to_owned(), number)
}
