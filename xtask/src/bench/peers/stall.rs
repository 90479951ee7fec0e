//! A pause of the server, made with SIGSTOP and SIGCONT.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::bench::interrupt::Interrupt;

/// The length of the pause.
pub(super) const LENGTH: Duration = Duration::from_millis(1500);

/// A stopped process, which continues when this is dropped.
struct Stopped(Pid);

impl Drop for Stopped {
    fn drop(&mut self) {
        // A process that has ended meanwhile needs no signal.
        let _ = kill(self.0, Signal::SIGCONT);
    }
}

/// Stops the process for [`LENGTH`], and returns the start and the length as they were.
///
/// # Errors
/// The system's error, or an interrupt.
pub(super) fn stall(pid: u32, interrupt: &Interrupt) -> Result<(Instant, Duration)> {
    let pid = Pid::from_raw(pid.try_into().context("invalid process id")?);
    let from = Instant::now();
    kill(pid, Signal::SIGSTOP)?;
    let stopped = Stopped(pid);
    interrupt.sleep_until(from + LENGTH)?;
    drop(stopped);
    Ok((from, from.elapsed()))
}
