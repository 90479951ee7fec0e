//! A process and its children, all the way down: the workers of nginx, of HAProxy's master,
//! and of a server that forks.

use std::{collections::BTreeMap, fs};

use nix::unistd::SysconfVar;

use super::machine::system_constant;

/// The most processes of one tree. A tree above it is not measured, because a sum over a part
/// of it would look like a measurement.
const MAX_PROCESSES: usize = 4_096;

/// A process and its descendants at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessTree {
    /// The root, then its descendants, parents before their children.
    pids: Vec<u32>,
    /// The CPU time of the tree; `None` for a process that counts without its children.
    cpu: Option<TreeCpu>,
}

/// The CPU time of a tree at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TreeCpu {
    /// Clock ticks of all living processes, and of ended ones that their parents have waited
    /// for.
    ticks: u64,
    /// The start of the root in clock ticks since boot.
    root_started: u64,
    /// Whether every process that was listed could be read.
    is_complete: bool,
}

/// The part of `/proc/PID/stat` that a tree needs, in clock ticks.
#[derive(Debug, PartialEq, Eq)]
struct ProcessTicks {
    /// CPU time of the process and of ended children that it has waited for.
    cpu: u64,
    /// Start since boot.
    started: u64,
}

/// The CPU times of trees over a run, none of which ever falls.
///
/// A process that ends takes its CPU time to its parent when the parent waits for it. If the
/// parent has ended or ignores its children, that time is gone from the tree: the sum falls.
/// The loss is then added to all later sums.
#[derive(Debug, Default)]
pub(super) struct TreeCpuTimes {
    by_root: BTreeMap<u32, TreeCpuState>,
}

#[derive(Debug)]
struct TreeCpuState {
    root_started: u64,
    last: u64,
    lost: u64,
}

impl ProcessTree {
    /// A process without its children.
    pub fn alone(root: u32) -> Self {
        Self {
            pids: vec![root],
            cpu: None,
        }
    }

    /// Reads a process with the descendants that it has now.
    pub fn read(root: u32) -> Self {
        let mut pids = vec![root];
        let mut cpu = TreeCpu {
            ticks: 0,
            root_started: 0,
            is_complete: true,
        };
        let mut next = 0;
        // Parents are read before their children: what a child adds to its parent at its end is
        // then missing for one sample, and never counted twice.
        while let Some(pid) = pids.get(next).copied() {
            match read_ticks(pid) {
                Some(ticks) => {
                    cpu.ticks = cpu.ticks.saturating_add(ticks.cpu);
                    if pid == root {
                        cpu.root_started = ticks.started;
                    }
                }
                None => cpu.is_complete = false,
            }
            pids.extend(child_pids(pid));
            next += 1;
            if pids.len() > MAX_PROCESSES {
                pids.truncate(MAX_PROCESSES);
                cpu.is_complete = false;
            }
        }
        Self {
            pids,
            cpu: Some(cpu),
        }
    }

    /// The process that the harness or the scenario names.
    pub fn root(&self) -> u32 {
        self.pids[0]
    }

    /// The ids of the root and its descendants.
    pub fn pids(&self) -> &[u32] {
        &self.pids
    }

    /// Whether the tree has descendants, or would count them.
    pub(super) fn counts_children(&self) -> bool {
        self.cpu.is_some()
    }

    /// Whether there are more processes than a tree may have.
    pub(super) fn is_too_large(&self) -> bool {
        self.pids.len() >= MAX_PROCESSES
    }
}

impl TreeCpuTimes {
    /// Returns the CPU time of a tree in seconds; `None` where it cannot be read.
    pub(super) fn total_s(&mut self, tree: &ProcessTree) -> Option<f64> {
        let ticks = self.total_ticks(tree.root(), tree.cpu?)?;
        Some(ticks as f64 / system_constant(SysconfVar::CLK_TCK)?)
    }

    fn total_ticks(&mut self, root: u32, cpu: TreeCpu) -> Option<u64> {
        let known = self.by_root.get_mut(&root);
        let known = known.filter(|state| state.root_started == cpu.root_started);
        match known {
            // A process that ended while the tree was read is missing from this sum alone.
            Some(state) if !cpu.is_complete => Some(state.last.saturating_add(state.lost)),
            Some(state) => {
                state.lost += state.last.saturating_sub(cpu.ticks);
                state.last = cpu.ticks;
                Some(cpu.ticks.saturating_add(state.lost))
            }
            None if !cpu.is_complete => None,
            // The root is new, or its id belongs to another process now.
            None => {
                let state = TreeCpuState {
                    root_started: cpu.root_started,
                    last: cpu.ticks,
                    lost: 0,
                };
                self.by_root.insert(root, state);
                Some(cpu.ticks)
            }
        }
    }

    /// Forgets the trees of all other roots.
    pub(super) fn retain(&mut self, roots: &[u32]) {
        self.by_root.retain(|root, _| roots.contains(root));
    }
}

/// Returns the start of a process in clock ticks since boot, which tells it from a later
/// process of the same id.
pub(super) fn started_ticks(pid: u32) -> Option<u64> {
    read_ticks(pid).map(|ticks| ticks.started)
}

/// Returns the children of a process that have not ended; none where the kernel does not
/// list them.
fn child_pids(pid: u32) -> Vec<u32> {
    // The kernel lists children by the thread that forked them.
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let lists: Vec<String> = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .collect();
    let pids = lists.iter().flat_map(|list| list.split_whitespace());
    pids.filter_map(|pid| pid.parse().ok()).collect()
}

fn read_ticks(pid: u32) -> Option<ProcessTicks> {
    parse_ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads `/proc/PID/stat` (proc(5)): `utime`, `stime`, `cutime` and `cstime` are fields 14 to
/// 17, `starttime` is field 22.
fn parse_ticks(stat: &str) -> Option<ProcessTicks> {
    // Field 2 is the name in brackets. It may contain spaces and brackets itself, so
    // counting starts behind the last bracket, at field 3.
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let cpu = fields.get(11..15)?.iter();
    let cpu = cpu.map(|field| field.parse::<u64>().ok());
    Some(ProcessTicks {
        cpu: cpu.sum::<Option<u64>>()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

    use super::*;

    fn cpu(ticks: u64, root_started: u64, is_complete: bool) -> TreeCpu {
        TreeCpu {
            ticks,
            root_started,
            is_complete,
        }
    }

    #[test]
    fn ticks_are_read_behind_a_name_with_brackets() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 100 200 0 0 7 8 30 12 20 0 1 0 555 6 7";
        let expected = ProcessTicks {
            cpu: 57,
            started: 555,
        };
        assert_eq!(parse_ticks(stat), Some(expected));
        assert_eq!(parse_ticks("42 (nginx) S 1"), None);
        assert_eq!(parse_ticks(""), None);
    }

    #[test]
    fn cpu_time_of_a_tree_never_falls() {
        let mut times = TreeCpuTimes::default();
        let mut total = |cpu| times.total_ticks(7, cpu);
        assert_eq!(total(cpu(100, 1, true)), Some(100));
        // A child ended while the tree was read: its 40 ticks are in no process that was read.
        assert_eq!(total(cpu(65, 1, false)), Some(100));
        assert_eq!(total(cpu(110, 1, true)), Some(110));
        // A child ended whose parent did not wait for it: its 40 ticks are gone for good.
        assert_eq!(total(cpu(72, 1, true)), Some(110));
        assert_eq!(total(cpu(80, 1, true)), Some(118));
        // Another process has the id now.
        assert_eq!(total(cpu(3, 9, true)), Some(3));
        assert_eq!(times.total_ticks(8, cpu(5, 1, false)), None);
        times.retain(&[8]);
        assert!(times.by_root.is_empty());
    }

    #[test]
    fn grandchild_is_in_the_tree_until_it_has_ended() {
        // The shell in the middle prints the id of its own child.
        let script = "sh -c 'sleep 1000 & echo $!; wait' & wait";
        let mut shell = Command::new("sh")
            .args(["-c", script])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(shell.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let grandchild: u32 = line.trim().parse().unwrap();

        let tree = ProcessTree::read(shell.id());
        assert_eq!(tree.root(), shell.id());
        let middle = tree.pids()[1];
        assert_eq!(tree.pids(), [shell.id(), middle, grandchild]);
        assert!(TreeCpuTimes::default().total_s(&tree).is_some());
        assert_eq!(ProcessTree::alone(shell.id()).pids(), [shell.id()]);

        for pid in [grandchild, middle] {
            Command::new("kill").arg(pid.to_string()).status().unwrap();
        }
        shell.wait().unwrap();
        assert!(
            !ProcessTree::read(std::process::id())
                .pids()
                .contains(&grandchild)
        );
        let ended = ProcessTree::read(u32::MAX);
        assert_eq!(TreeCpuTimes::default().total_s(&ended), None);
    }
}
