//! Memory, CPU time and open files of processes on this machine, from the kernel.

use std::{fs, iter, process, sync::LazyLock};

use highwater_reports::record::names::gauge;
use parking_lot::Mutex;
use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

use super::{
    child_processes::{child_pids, ended_children_cpu_s},
    gauges::{Gauges, measured},
};

/// The table of this process. It is kept between calls, because it reads the machine's boot
/// time once. A boot time read after the clock was set would look like a restart.
static OWN_TABLE: LazyLock<Mutex<ProcessTable>> = LazyLock::new(Mutex::default);

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

/// Returns memory, CPU time, start time and open files of this process. A call reads a
/// handful of small files, which is meant for once a second.
pub fn own_process() -> Gauges {
    let pid = process::id();
    let mut table = OWN_TABLE.lock();
    table.refresh([pid]);
    table.gauges(pid).unwrap_or_default()
}

impl ProcessTree {
    /// Returns the process, with the children that it has now if it does its work in them.
    pub fn read(root: u32, has_children: bool) -> Self {
        let children = match has_children {
            true => child_pids(root),
            false => Vec::new(),
        };
        Self { root, children }
    }

    /// Returns the ids of the root and its children.
    pub fn pids(&self) -> impl Iterator<Item = u32> {
        iter::once(self.root).chain(self.children.iter().copied())
    }
}

impl ProcessTable {
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
        // The kernel keeps a process in the table until its parent has read the exit status,
        // with a CPU time and no memory.
        if matches!(
            process.status(),
            ProcessStatus::Zombie | ProcessStatus::Dead
        ) {
            return None;
        }
        // sysinfo counts in milliseconds.
        let cpu_s = process.accumulated_cpu_time() as f64 / 1e3;
        Some(measured([
            (gauge::RSS, Some(process.memory() as f64)),
            (gauge::CPU, Some(cpu_s)),
            (gauge::STARTED_AT, Some(process.start_time() as f64)),
            (gauge::OPEN_FILES, open_files(pid).map(|files| files as f64)),
        ]))
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
        // A child that has ended since it was listed has no gauges. Its CPU time is part of
        // the sum below.
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
        Self {
            system: System::new().ok(),
            tracked: Vec::new(),
        }
    }
}

/// Returns the number of open files of process `pid`; `None` if it does not exist or belongs
/// to another user.
pub fn open_files(pid: u32) -> Option<u64> {
    let folder = format!("/proc/{pid}/fd");
    // Since Linux 6.2 the size of `/proc/PID/fd` is the number of open files: 50 µs at any
    // count. Older kernels say 0, and listing takes 19-54 ms at 18,000 files.
    match fs::metadata(&folder).ok()?.len() {
        0 => fs::read_dir(&folder).ok().map(|files| files.count() as u64),
        count => Some(count),
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
