//! What the kernel says of a process on this machine.

use highwater_reports::record::names::gauge;
use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

use super::{
    Gauges,
    child_processes::{child_pids, ended_children_cpu_s},
    open_files::open_files,
};

/// The processes that are sampled. It remembers nothing but them: a process
/// that is no longer asked for is forgotten.
#[derive(Debug)]
pub struct ProcessTable {
    /// `None` where the system has no process table that we can read.
    system: Option<System>,
    tracked: Vec<Pid>,
}

/// A process and its children at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessTree {
    /// The process that was started.
    pub root: u32,
    /// Its children.
    pub children: Vec<u32>,
}

impl ProcessTree {
    /// The process alone.
    pub fn single(root: u32) -> Self {
        Self {
            root,
            children: Vec::new(),
        }
    }

    /// The process with the children that it has now.
    pub fn with_children(root: u32) -> Self {
        Self {
            root,
            children: child_pids(root),
        }
    }

    /// All of them.
    pub fn pids(&self) -> impl Iterator<Item = u32> {
        std::iter::once(self.root).chain(self.children.iter().copied())
    }
}

impl ProcessTable {
    /// An empty table.
    pub fn new() -> Self {
        Self {
            system: System::new().ok(),
            tracked: Vec::new(),
        }
    }

    /// Reads these processes, and no others.
    pub fn refresh(&mut self, pids: impl IntoIterator<Item = u32>) {
        let Some(system) = &mut self.system else {
            return;
        };
        let wanted: Vec<Pid> = pids.into_iter().map(Pid::from_u32).collect();
        // Those known before are read once more, so that dead ones are removed.
        self.tracked.extend(&wanted);
        self.tracked.sort_unstable();
        self.tracked.dedup();
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&self.tracked),
            true,
            ProcessRefreshKind::nothing().with_cpu().with_memory(),
        );
        self.tracked = wanted;
    }

    /// Memory, CPU time, start and open files of a process as last refreshed;
    /// `None` if it was not there.
    pub fn gauges(&self, pid: u32) -> Option<Gauges> {
        let process = self.system.as_ref()?.process(Pid::from_u32(pid))?;
        if has_exited(process.status()) {
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

    /// The same of a process and its children: memory, CPU time and open files of all
    /// of them, those that have ended included in the CPU time, and the start of the
    /// first. Memory that they share counts for each.
    pub fn tree_gauges(&self, family: &ProcessTree) -> Option<Gauges> {
        let mut gauges = self.gauges(family.root)?;
        if family.children.is_empty() {
            return Some(gauges);
        }
        let children = family.children.iter();
        for child in children.filter_map(|child| self.gauges(*child)) {
            for name in [gauge::RSS, gauge::CPU, gauge::OPEN_FILES] {
                add_or_remove(&mut gauges, name, child.get(name).copied());
            }
        }
        let ended = ended_children_cpu_s(family.root);
        add_or_remove(&mut gauges, gauge::CPU, ended);
        Some(gauges)
    }
}

impl Default for ProcessTable {
    fn default() -> Self {
        Self::new()
    }
}

/// A part that was not measured leaves the whole unknown.
fn add_or_remove(gauges: &mut Gauges, name: &str, part: Option<f64>) {
    match (gauges.get_mut(name), part) {
        (Some(sum), Some(part)) => *sum += part,
        _ => drop(gauges.remove(name)),
    }
}

/// Whether a process has ended and only waits for its status to be taken.
fn has_exited(status: ProcessStatus) -> bool {
    matches!(status, ProcessStatus::Zombie | ProcessStatus::Dead)
}
