//! The standard `process_*` metrics.

use std::fs;

use nix::sys::resource::{Resource, getrlimit};
use prometheus::Registry;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::family::{register_counter, register_gauge};

/// Registers the figures of now: the allocator's live bytes, where they are known, and
/// what the kernel says.
pub(crate) fn collect_process(heap_bytes: Option<u64>, registry: &Registry) {
    register_gauge(
        registry,
        "highwater_heap_allocated_bytes",
        "Live bytes of the allocator.",
        heap_bytes.map(|bytes| bytes as f64),
    );
    ProcessStats::now().register(registry);
}

/// This process, now. What cannot be read is left out.
struct ProcessStats {
    resident_bytes: Option<f64>,
    open_fds: Option<f64>,
    max_fds: Option<f64>,
    cpu_s: Option<f64>,
    /// Seconds since 1970.
    started_s: Option<f64>,
}

impl ProcessStats {
    fn now() -> Self {
        let pid = Pid::from_u32(std::process::id());
        let system = refreshed(pid);
        let process = system.as_ref().and_then(|system| system.process(pid));
        Self {
            resident_bytes: process.map(|process| process.memory() as f64),
            open_fds: open_fds(),
            max_fds: getrlimit(Resource::RLIMIT_NOFILE)
                .ok()
                .map(|(soft, _)| soft as f64),
            cpu_s: process.map(|process| process.accumulated_cpu_time() as f64 / 1000.0),
            started_s: process.map(|process| process.start_time() as f64),
        }
    }

    fn register(&self, registry: &Registry) {
        register_gauge(
            registry,
            "process_resident_memory_bytes",
            "Resident memory size in bytes.",
            self.resident_bytes,
        );
        register_gauge(
            registry,
            "process_open_fds",
            "Number of open file descriptors.",
            self.open_fds,
        );
        register_gauge(
            registry,
            "process_max_fds",
            "Maximum number of open file descriptors.",
            self.max_fds,
        );
        register_counter(
            registry,
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            self.cpu_s,
        );
        register_gauge(
            registry,
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            self.started_s,
        );
    }
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

/// Linux 6.2 and later say the count in the folder's size; before, the size is 0
/// and the folder has to be listed.
fn open_fds() -> Option<f64> {
    const FOLDER: &str = "/proc/self/fd";
    match fs::metadata(FOLDER).ok()?.len() {
        // The listing's own descriptor is not counted.
        0 => Some(fs::read_dir(FOLDER).ok()?.count().saturating_sub(1) as f64),
        count => Some(count as f64),
    }
}
