//! Memory, CPU time and open files of processes on this machine, from the kernel.

use std::{fs, process, sync::LazyLock};

use highwater_reports::record::names::gauge;
use parking_lot::Mutex;
use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

use super::{
    gauges::{Gauges, measured},
    process_tree::{ProcessTree, TreeCpuTimes},
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
    /// The CPU times of the trees of the last refresh.
    tree_cpu: TreeCpuTimes,
}

/// Returns memory, CPU time, start time and open files of this process. A call reads a
/// handful of small files, which is meant for once a second.
pub fn own_process() -> Gauges {
    let pid = process::id();
    let mut table = OWN_TABLE.lock();
    table.refresh([pid]);
    table.gauges(pid).unwrap_or_default()
}

impl ProcessTable {
    /// Reads the processes of these trees and forgets all others.
    pub fn refresh_trees(&mut self, trees: &[&ProcessTree]) {
        let roots: Vec<u32> = trees.iter().map(|tree| tree.root()).collect();
        self.tree_cpu.retain(&roots);
        self.refresh(trees.iter().flat_map(|tree| tree.pids().iter().copied()));
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

    /// Returns memory, CPU time and open files summed over a process and its descendants, and
    /// the start time of the process. CPU time includes descendants that have ended. Memory
    /// that processes share counts once for each of them.
    pub fn tree_gauges(&mut self, tree: &ProcessTree) -> Option<Gauges> {
        let mut gauges = self.gauges(tree.root())?;
        if !tree.counts_children() {
            return Some(gauges);
        }
        // A descendant that has ended since it was listed has no gauges.
        for pid in &tree.pids()[1..] {
            let Some(child) = self.gauges(*pid) else {
                continue;
            };
            for name in [gauge::RSS, gauge::OPEN_FILES] {
                add_or_remove(&mut gauges, name, child.get(name).copied());
            }
        }
        gauges.remove(gauge::CPU);
        if let Some(cpu_s) = self.tree_cpu.total_s(tree) {
            gauges.insert(gauge::CPU.into(), cpu_s);
        }
        if tree.is_too_large() {
            gauges.retain(|name, _| name == gauge::STARTED_AT);
        }
        Some(gauges)
    }
}

impl Default for ProcessTable {
    fn default() -> Self {
        Self {
            system: System::new().ok(),
            tracked: Vec::new(),
            tree_cpu: TreeCpuTimes::default(),
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
