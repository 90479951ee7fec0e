//! What the kernel says of a process on this machine.

use highwater_reports::record::names::gauge;
use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

use super::{Gauges, open_files::open_files};

/// The processes that are sampled. It remembers nothing but them: a process
/// that is no longer asked for is forgotten.
#[derive(Debug)]
pub struct ProcessTable {
    /// `None` where the system has no process table that we can read.
    system: Option<System>,
    known: Vec<Pid>,
}

impl ProcessTable {
    /// An empty table.
    pub fn new() -> Self {
        Self {
            system: System::new().ok(),
            known: Vec::new(),
        }
    }

    /// Reads these processes, and no others.
    pub fn refresh(&mut self, pids: impl IntoIterator<Item = u32>) {
        let Some(system) = &mut self.system else {
            return;
        };
        let wanted: Vec<Pid> = pids.into_iter().map(Pid::from_u32).collect();
        // Those known before are read once more, so that dead ones are removed.
        self.known.extend(&wanted);
        self.known.sort_unstable();
        self.known.dedup();
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&self.known),
            true,
            ProcessRefreshKind::nothing().with_cpu().with_memory(),
        );
        self.known = wanted;
    }

    /// Memory, CPU time, start and open files of a process as last refreshed;
    /// `None` if it was not there.
    pub fn gauges(&self, pid: u32) -> Option<Gauges> {
        let process = self.system.as_ref()?.process(Pid::from_u32(pid))?;
        if is_over(process.status()) {
            return None;
        }
        let mut gauges = Gauges::from([
            (gauge::RSS.into(), process.memory() as f64),
            (
                gauge::CPU.into(),
                process.accumulated_cpu_time() as f64 / 1e3,
            ),
            (gauge::STARTED_AT.into(), process.start_time() as f64),
        ]);
        if let Some(files) = open_files(pid) {
            gauges.insert(gauge::OPEN_FILES.into(), files as f64);
        }
        Some(gauges)
    }
}

impl Default for ProcessTable {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a process has ended and only waits for its status to be taken.
fn is_over(status: ProcessStatus) -> bool {
    matches!(status, ProcessStatus::Zombie | ProcessStatus::Dead)
}
