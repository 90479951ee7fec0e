//! Memory, CPU time and open files of processes on this machine, from the kernel.

use highwater_reports::record::names::gauge;
use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

use super::{
    child_processes::{child_pids, ended_children_cpu_s},
    gauges::Gauges,
    open_files::open_files,
};

/// A table of the processes that are sampled. It holds the processes of the last refresh and
/// no others, so its size does not grow with the run.
#[derive(Debug)]
pub struct ProcessTable {
    /// The system's process table; `None` where this process may not read it.
    system: Option<System>,
    tracked: Vec<Pid>,
}

/// A process and its children at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessTree {
    /// The process that the harness or the user started.
    pub root: u32,
    /// The children of the root.
    pub children: Vec<u32>,
}

impl ProcessTree {
    /// A tree of one process.
    pub fn single(root: u32) -> Self {
        Self {
            root,
            children: Vec::new(),
        }
    }

    /// Returns the process with the children that it has now.
    pub fn with_children(root: u32) -> Self {
        Self {
            root,
            children: child_pids(root),
        }
    }

    /// Returns the ids of the root and its children.
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

    /// Reads these processes and forgets all others.
    pub fn refresh(&mut self, pids: impl IntoIterator<Item = u32>) {
        let Some(system) = &mut self.system else {
            return;
        };
        let wanted: Vec<Pid> = pids.into_iter().map(Pid::from_u32).collect();
        // sysinfo removes a dead process only when it is asked for it, so the processes of
        // the previous refresh are read once more.
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

    /// Returns memory, CPU time, start time and open files of a process at the last refresh;
    /// `None` if it did not exist.
    pub fn gauges(&self, pid: u32) -> Option<Gauges> {
        let process = self.system.as_ref()?.process(Pid::from_u32(pid))?;
        // The kernel keeps a zombie in the table, with a CPU time and no memory.
        if has_exited(process.status()) {
            return None;
        }
        let mut gauges = Gauges::from([
            (gauge::RSS.into(), process.memory() as f64),
            (
                gauge::CPU.into(),
                // sysinfo counts in milliseconds.
                process.accumulated_cpu_time() as f64 / 1e3,
            ),
            (gauge::STARTED_AT.into(), process.start_time() as f64),
        ]);
        if let Some(files) = open_files(pid) {
            gauges.insert(gauge::OPEN_FILES.into(), files as f64);
        }
        Some(gauges)
    }

    /// Returns memory, CPU time and open files summed over a process and its children, and
    /// the start time of the process. CPU time includes children that have ended. Memory
    /// that processes share counts once for each of them.
    pub fn tree_gauges(&self, tree: &ProcessTree) -> Option<Gauges> {
        let mut gauges = self.gauges(tree.root)?;
        if tree.children.is_empty() {
            return Some(gauges);
        }
        let children = tree.children.iter();
        for child in children.filter_map(|child| self.gauges(*child)) {
            for name in [gauge::RSS, gauge::CPU, gauge::OPEN_FILES] {
                add_or_remove(&mut gauges, name, child.get(name).copied());
            }
        }
        // A worker that a reload replaced takes its CPU time along when it ends; without it the
        // sum would fall.
        let ended = ended_children_cpu_s(tree.root);
        add_or_remove(&mut gauges, gauge::CPU, ended);
        Some(gauges)
    }
}

impl Default for ProcessTable {
    fn default() -> Self {
        Self::new()
    }
}

/// Adds `part` to a gauge. A part that was not measured removes the gauge, because a sum
/// without it would be too small.
fn add_or_remove(gauges: &mut Gauges, name: &str, part: Option<f64>) {
    match (gauges.get_mut(name), part) {
        (Some(sum), Some(part)) => *sum += part,
        _ => drop(gauges.remove(name)),
    }
}

/// Whether a process has ended and its parent has not read its exit status yet.
fn has_exited(status: ProcessStatus) -> bool {
    matches!(status, ProcessStatus::Zombie | ProcessStatus::Dead)
}
