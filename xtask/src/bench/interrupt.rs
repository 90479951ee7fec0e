//! Ctrl-C and SIGTERM, which end the comparison and every child.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};
use parking_lot::Mutex;

/// The time between two looks at the signals.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The signals that end the comparison. They are read here and have no other effect, so that
/// every child is dropped, and thereby killed, on the way out.
pub(in crate::bench) struct Interrupt {
    signals: SignalFd,
    seen: Mutex<bool>,
}

impl Interrupt {
    /// Blocks the signals in this thread and in those that it starts.
    ///
    /// # Errors
    /// The system's error.
    pub(in crate::bench) fn block() -> Result<Self> {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGINT);
        signals.add(Signal::SIGTERM);
        signals.thread_block()?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Self {
            signals: SignalFd::with_flags(&signals, flags)?,
            seen: Mutex::new(false),
        })
    }

    /// Returns an error once a signal has come.
    ///
    /// # Errors
    /// See above.
    pub(in crate::bench) fn check(&self) -> Result<()> {
        let mut seen = self.seen.lock();
        *seen |= self.signals.read_signal()?.is_some();
        match *seen {
            true => bail!("interrupted"),
            false => Ok(()),
        }
    }

    /// Waits until `deadline`.
    ///
    /// # Errors
    /// An error once a signal has come.
    pub(in crate::bench) fn sleep_until(&self, deadline: Instant) -> Result<()> {
        loop {
            self.check()?;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::park_timeout(left.min(POLL_INTERVAL));
        }
    }
}
