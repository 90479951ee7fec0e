//! The standard `process_*` metrics.

use std::fs;

use nix::sys::resource::{Resource, getrlimit};
use prometheus::Registry;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::family::{register_counter, register_gauge};

/// Registers the values of now: the allocator's live bytes and the lost log lines, if they
/// are known, and the values of the kernel. A value that cannot be read is left out.
pub(crate) fn collect_process(
    heap_bytes: Option<u64>,
    dropped_log_lines: Option<u64>,
    registry: &Registry,
) {
    let pid = Pid::from_u32(std::process::id());
    let system = refreshed(pid);
    let process = system.as_ref().and_then(|system| system.process(pid));
    let max_fds = getrlimit(Resource::RLIMIT_NOFILE).ok();
    for (name, help, value) in [
        (
            "highwater_heap_allocated_bytes",
            "Live bytes of the allocator.",
            heap_bytes.map(|bytes| bytes as f64),
        ),
        (
            "process_resident_memory_bytes",
            "Resident memory size in bytes.",
            process.map(|process| process.memory() as f64),
        ),
        (
            "process_open_fds",
            "Number of open file descriptors.",
            open_fds(),
        ),
        (
            "process_max_fds",
            "Maximum number of open file descriptors.",
            max_fds.map(|(soft, _)| soft as f64),
        ),
        (
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            process.map(|process| process.start_time() as f64),
        ),
    ] {
        register_gauge(registry, name, help, value);
    }
    register_counter(
        registry,
        "highwater_log_lines_dropped_total",
        "Log lines that standard error did not take.",
        dropped_log_lines.map(|lines| lines as f64),
    );
    register_counter(
        registry,
        "process_cpu_seconds_total",
        "Total user and system CPU time spent in seconds.",
        // sysinfo counts in milliseconds.
        process.map(|process| process.accumulated_cpu_time() as f64 / 1000.0),
    );
}

fn refreshed(pid: Pid) -> Option<System> {
    let mut system = System::new().ok()?;
    let kind = ProcessRefreshKind::nothing()
        .with_memory()
        .with_cpu()
        .without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
    Some(system)
}

/// Returns the number of open files.
fn open_fds() -> Option<f64> {
    const FOLDER: &str = "/proc/self/fd";
    // Linux 6.2 and later put the count into the folder's size. Before, the size is 0 and the
    // folder must be listed.
    match fs::metadata(FOLDER).ok()?.len() {
        // The listing's own descriptor is not counted.
        0 => Some(fs::read_dir(FOLDER).ok()?.count().saturating_sub(1) as f64),
        count => Some(count as f64),
    }
}
