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
        // Registered before this function returns. Until then a signal ends the process.
        let signals = runtime.block_on(async { StopSignals::listen() })?;
        runtime.spawn(cancel_on_signal(signals, requested.clone()));
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

async fn cancel_on_signal(mut signals: StopSignals, requested: CancellationToken) {
    signals.recv().await;
    requested.cancel();
    signals.recv().await;
    // Exits at once, because the orderly end hangs or the user does not want to wait for it.
    // The kernel then sends the children their parent-death signal.
    std::process::exit(Exit::Interrupted as i32);
}
