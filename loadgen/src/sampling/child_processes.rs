//! A program whose work is done by children of its process: nginx's workers, those of
//! HAProxy's master.

use std::fs;

use nix::unistd::{SysconfVar, sysconf};

/// The children of a process that have not ended; none where the kernel does not tell.
pub(super) fn child_pids(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let lists = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| read_children(&list)).collect()
}

/// CPU time of those children of a process that have ended and were waited for, in
/// seconds; `None` where it is not there.
pub(super) fn ended_children_cpu_s(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks_per_s = sysconf(SysconfVar::CLK_TCK).ok()??;
    Some(read_ended_ticks(&stat)? as f64 / ticks_per_s as f64)
}

fn read_children(list: &str) -> Vec<u32> {
    list.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// `cutime` and `cstime`, the 16th and 17th fields; the second, a name in brackets, may
/// have anything in it.
fn read_ended_ticks(stat: &str) -> Option<u64> {
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
    fn ticks_of_children_stand_behind_those_of_the_process() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 100 200 0 0 7 8 30 12 20 0 1 0 5 6 7";
        assert_eq!(read_ended_ticks(stat), Some(42));
        assert_eq!(read_ended_ticks("42 (nginx) S 1"), None);
        assert_eq!(read_ended_ticks(""), None);
    }

    #[test]
    fn a_child_is_seen_until_it_has_ended() {
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
