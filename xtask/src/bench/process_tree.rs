//! Memory and CPU of a process with all its descendants, from `/proc`.

use std::{collections::BTreeSet, fs, time::Duration};

use nix::unistd::{SysconfVar, sysconf};

/// The memory that a process tree holds, and the CPU time that it has used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::bench) struct TreeUsage {
    /// The resident memory of all processes, in bytes.
    pub(in crate::bench) rss_bytes: u64,
    /// The CPU time since the start, also of children that have ended.
    pub(in crate::bench) cpu: Duration,
}

/// One process in `/proc`.
struct ProcessStat {
    pid: u32,
    parent: u32,
    group: u32,
    cpu_ticks: u64,
    rss_pages: u64,
}

/// Returns the usage of the process `root`, its descendants and its process group; `None`
/// where `root` has ended.
pub(in crate::bench) fn usage(root: u32) -> Option<TreeUsage> {
    let processes: Vec<_> = fs::read_dir("/proc")
        .ok()?
        .filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            // A process may end between the two readings.
            parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
        })
        .collect();
    let members = members(root, &processes);
    let page_bytes = system_value(SysconfVar::PAGE_SIZE)?;
    let ticks_per_s = system_value(SysconfVar::CLK_TCK)?;
    let tree = || {
        processes
            .iter()
            .filter(|process| members.contains(&process.pid))
    };
    let ticks: u64 = tree().map(|process| process.cpu_ticks).sum();
    let pages: u64 = tree().map(|process| process.rss_pages).sum();
    members.contains(&root).then(|| TreeUsage {
        rss_bytes: pages * page_bytes,
        cpu: Duration::from_secs_f64(ticks as f64 / ticks_per_s as f64),
    })
}

/// Returns the ids of the tree's processes.
fn members(root: u32, processes: &[ProcessStat]) -> BTreeSet<u32> {
    let mut members = BTreeSet::new();
    loop {
        let before = members.len();
        for process in processes {
            let is_member =
                process.pid == root || process.group == root || members.contains(&process.parent);
            if is_member {
                members.insert(process.pid);
            }
        }
        if members.len() == before {
            return members;
        }
    }
}

/// Parses a line of `/proc/PID/stat`; see proc(5).
fn parse(stat: &str) -> Option<ProcessStat> {
    let (pid, rest) = stat.split_once(" (")?;
    // The name may contain spaces and parentheses.
    let (_, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(ProcessStat {
        pid: pid.parse().ok()?,
        parent: field(4)?.try_into().ok()?,
        group: field(5)?.try_into().ok()?,
        // utime, stime, and those of children that were waited for
        cpu_ticks: field(14)? + field(15)? + field(16)? + field(17)?,
        rss_pages: field(24)?,
    })
}

fn system_value(name: SysconfVar) -> Option<u64> {
    sysconf(name).ok()??.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    /// A line of a real process, whose name has a space and a parenthesis.
    const STAT: &str = "4711 (tmux: (server) S 1 4711 4710 0 -1 4194368 3082 0 0 0 \
        120 30 7 3 20 0 1 0 53423 11259904 900 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 \
        0 0 0 0 0 0 0 0 0 0 0 0 0";

    #[test]
    fn stat_line_is_parsed_behind_the_last_parenthesis() {
        let stat = parse(STAT).unwrap();
        assert_eq!((stat.pid, stat.parent, stat.group), (4711, 1, 4711));
        assert_eq!((stat.cpu_ticks, stat.rss_pages), (160, 900));
    }

    #[test]
    fn tree_contains_descendants_in_groups_of_their_own() {
        let process = |pid, parent, group| ProcessStat {
            pid,
            parent,
            group,
            cpu_ticks: 0,
            rss_pages: 0,
        };
        // A descendant may stand before its parent, and a member of the group may have lost it.
        let processes = [
            process(9, 12, 9),
            process(10, 1, 10),
            process(12, 10, 12),
            process(13, 1, 10),
            process(14, 1, 14),
        ];
        assert_eq!(members(10, &processes), BTreeSet::from([9, 10, 12, 13]));
    }

    #[test]
    fn this_process_has_memory() {
        assert!(usage(process::id()).unwrap().rss_bytes > 0);
    }
}
