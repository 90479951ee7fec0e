//! Child processes: the workers of nginx, and those of HAProxy's master.

use std::fs;

use nix::unistd::SysconfVar;

use super::machine::system_constant;

/// Returns the children of a process that have not ended; none where the kernel does not
/// list them.
pub(super) fn child_pids(pid: u32) -> Vec<u32> {
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

/// Returns the CPU time, in seconds, of children of a process that have ended and were
/// waited for; `None` if the process does not exist.
pub(super) fn ended_children_cpu_s(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(read_ended_ticks(&stat)? as f64 / system_constant(SysconfVar::CLK_TCK)?)
}

/// Returns `cutime` plus `cstime`, fields 16 and 17 of `/proc/PID/stat` (proc(5)).
fn read_ended_ticks(stat: &str) -> Option<u64> {
    // Field 2 is the name in brackets. It may contain spaces and brackets itself, so
    // counting starts behind the last bracket, at field 3.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(13);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_ticks_are_read_behind_a_name_with_brackets() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 100 200 0 0 7 8 30 12 20 0 1 0 5 6 7";
        assert_eq!(read_ended_ticks(stat), Some(42));
        assert_eq!(read_ended_ticks("42 (nginx) S 1"), None);
        assert_eq!(read_ended_ticks(""), None);
    }

    #[test]
    fn child_is_listed_until_it_has_ended() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        assert!(child_pids(std::process::id()).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!child_pids(std::process::id()).contains(&child.id()));
        assert!(ended_children_cpu_s(std::process::id()).is_some());
        assert_eq!(ended_children_cpu_s(u32::MAX), None);
    }
}
