//! The identity of a process. The kernel gives the id of an ended process to another one.

use std::fs;

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

/// A process and when it started, which together are not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProcessIdentity {
    pub(super) pid: u32,
    /// Clock ticks since the machine started.
    started: u64,
}

impl ProcessIdentity {
    /// Returns the running process with this id; `None` if it does not exist.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // proc_pid_stat(5): the name in brackets may hold anything; the start time
        // is field 22, the 20th behind it, the state the first.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        // A zombie has ended, and waits for its parent alone.
        if fields.next()? == "Z" {
            return None;
        }
        let started = fields.nth(18)?.parse().ok()?;
        Some(Self { pid, started })
    }

    /// Whether it still runs.
    pub(super) fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Sends it a signal, unless it is gone.
    pub(super) fn signal(self, signal: Signal) -> Result<(), Errno> {
        if !self.is_alive() {
            return Ok(());
        }
        match kill(Pid::from_raw(self.pid.cast_signed()), signal) {
            // It ended between the check and the signal.
            Err(Errno::ESRCH) => Ok(()),
            done => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio, id};

    use super::*;

    #[test]
    fn process_with_another_start_is_not_alive() {
        let own = ProcessIdentity::of(id()).unwrap();
        assert!(own.is_alive());
        let earlier = ProcessIdentity {
            started: own.started - 1,
            ..own
        };
        assert!(!earlier.is_alive());
        assert_eq!(
            earlier.signal(Signal::SIGKILL),
            Ok(()),
            "the test itself survives"
        );
    }

    #[test]
    fn zombie_is_not_alive() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let running = ProcessIdentity::of(child.id()).unwrap();
        running.signal(Signal::SIGKILL).unwrap();
        while running.is_alive() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!running.is_alive());
    }
}
