//! The signals that end a process in order: SIGTERM, Ctrl-C, SIGQUIT, SIGUSR1 and SIGUSR2, and
//! for the harness SIGHUP.

use std::{fs, future::pending, io, process};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{exit::Exit, stderr};

/// The number of SIGHUP on Linux.
const SIGHUP: u32 = 1;
/// The number of the signal for a file that exceeds the limit of its size.
const SIGXFSZ: i32 = 25;

/// A receiver of the signals that end a process. It keeps a signal that arrives between two
/// calls of [`recv`](Self::recv).
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    /// SIGUSR1 and SIGUSR2: schedulers of batch jobs announce the end of a job's time with them.
    user_defined: [Signal; 2],
    /// Received by the harness. A server reads its certificate anew instead.
    hangup: Option<Signal>,
}

/// A request to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopRequest {
    /// A person or a supervisor wants the end.
    Stop,
    /// The terminal was closed.
    Hangup,
}

impl StopSignals {
    /// Registers the handlers of all but SIGHUP. None of these signals ends the process by itself
    /// afterwards.
    pub(super) fn listen() -> io::Result<Self> {
        fail_writes_of_large_files()?;
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            user_defined: [
                signal(SignalKind::user_defined1())?,
                signal(SignalKind::user_defined2())?,
            ],
            hangup: None,
        })
    }

    /// Registers the handler of SIGHUP too, unless the process was started to ignore it, as
    /// `nohup` does.
    fn listen_with_hangup() -> io::Result<Self> {
        let hangup = match is_ignored(SIGHUP) {
            true => None,
            false => Some(signal(SignalKind::hangup())?),
        };
        Ok(Self {
            hangup,
            ..Self::listen()?
        })
    }

    /// Waits for the next signal.
    pub(super) async fn recv(&mut self) -> StopRequest {
        let Self {
            terminate,
            interrupt,
            quit,
            user_defined: [user_1, user_2],
            hangup,
        } = self;
        let hangup = async {
            match hangup {
                Some(hangup) => hangup.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => StopRequest::Stop,
            _ = interrupt.recv() => StopRequest::Stop,
            _ = quit.recv() => StopRequest::Stop,
            _ = user_1.recv() => StopRequest::Stop,
            _ = user_2.recv() => StopRequest::Stop,
            _ = hangup => StopRequest::Hangup,
        }
    }

    /// Cancels `stop` with the first signal, and ends the process with the second one.
    pub(super) async fn cancel_then_exit(mut self, stop: CancellationToken) {
        loop {
            match self.recv().await {
                // A closed terminal sends several: by its shell and by the kernel.
                StopRequest::Hangup => stop.cancel(),
                StopRequest::Stop if stop.is_cancelled() => break,
                StopRequest::Stop => stop.cancel(),
            }
        }
        tracing::warn!("a second signal; the process ends at once");
        stderr::flush();
        // At once: an orderly end hangs, or takes the user too long. The kernel ends the
        // children by their parent-death signal.
        process::exit(Exit::Interrupted as i32);
    }
}

/// The user's request to stop. It is received until this value is dropped, also while a
/// report is drawn or between two runs.
pub(crate) struct Interrupt {
    requested: CancellationToken,
    /// The runtime of the signal task. It is not the run's own runtime, which ends with the
    /// run.
    _runtime: Runtime,
}

impl Interrupt {
    /// Registers the handlers. The first signal requests an orderly end, and the second one
    /// ends the process.
    pub(super) fn listen() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let requested = CancellationToken::new();
        // Before the return, so that no signal after it meets the default action.
        let signals = runtime.block_on(async { StopSignals::listen_with_hangup() })?;
        runtime.spawn(signals.cancel_then_exit(requested.clone()));
        Ok(Self {
            requested,
            _runtime: runtime,
        })
    }

    /// Whether the user has requested the end.
    pub(super) fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Returns a token that the request cancels.
    pub(super) fn token(&self) -> CancellationToken {
        self.requested.clone()
    }
}

/// Turns SIGXFSZ off, which ends a process that writes more than its limit of file sizes.
/// The write then fails, and its error names the file.
pub(super) fn fail_writes_of_large_files() -> io::Result<()> {
    // The handler stays when the receiver is dropped.
    signal(SignalKind::from_raw(SIGXFSZ)).map(drop)
}

/// Whether this process ignores the signal of that number.
fn is_ignored(number: u32) -> bool {
    // The safe way to read the action of a signal.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored_mask(&status) & (1 << (number - 1)) != 0
}

fn ignored_mask(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_status() {
        let status = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t0\n";
        assert_eq!(ignored_mask(status), 0x1001);
        assert_eq!(ignored_mask("SigBlk:\t1\n"), 0);
    }
}
