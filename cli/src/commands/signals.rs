//! SIGTERM and Ctrl-C: what asks a process to end.

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

    /// Waits for the next one.
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
        let ears = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let come = CancellationToken::new();
        let requests = ears.block_on(async { StopSignals::listen() })?;
        ears.spawn(cancel_on_signal(requests, come.clone()));
        Ok(Self {
            requested: come,
            _runtime: ears,
        })
    }

    /// Whether it has come.
    pub(super) fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Cancelled when it comes.
    pub(super) fn token(&self) -> CancellationToken {
        self.requested.clone()
    }
}

async fn cancel_on_signal(mut requests: StopSignals, come: CancellationToken) {
    requests.recv().await;
    come.cancel();
    requests.recv().await;
    std::process::exit(Exit::Interrupted as i32);
}
