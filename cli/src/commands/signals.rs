//! SIGTERM and Ctrl-C, the requests to end a process.

use std::io;

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// A receiver of SIGTERM and SIGINT. It keeps a signal that arrives between two calls of
/// [`recv`](Self::recv).
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Registers both handlers. Neither signal ends the process by itself afterwards.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next signal.
    pub(super) async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The user's request to stop. It is received for as long as this value lives, also
/// while a report is drawn or between two runs.
pub(crate) struct Interrupt {
    requested: CancellationToken,
    /// The runtime of the signal task, apart from a run's runtime, which ends with the run.
    _runtime: Runtime,
}

impl Interrupt {
    /// Registers the handlers. The first signal asks for an orderly end, the second one ends
    /// the process.
    pub(super) fn listen() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let requested = CancellationToken::new();
        // Before the return, so that no signal after it meets the default action.
        let signals = runtime.block_on(async { StopSignals::listen() })?;
        runtime.spawn(cancel_on_signal(signals, requested.clone()));
        Ok(Self {
            requested,
            _runtime: runtime,
        })
    }

    /// Whether the user has asked for the end.
    pub(super) fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Returns a token that the request cancels.
    pub(super) fn token(&self) -> CancellationToken {
        self.requested.clone()
    }
}

async fn cancel_on_signal(mut signals: StopSignals, requested: CancellationToken) {
    signals.recv().await;
    requested.cancel();
    signals.recv().await;
    // At once: an orderly end hangs, or takes the user too long. The kernel ends the
    // children by their parent-death signal.
    std::process::exit(Exit::Interrupted as i32);
}
