//! SIGTERM and Ctrl-C: what asks a process to end.

use std::io;

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// Hears every request to end from when it was made, also one that comes while
/// nobody waits.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// From here on neither signal ends the process by itself.
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

/// Whether somebody wants the end of what goes on. Heard for as long as this lives,
/// also while a report is drawn or between two runs.
pub(crate) struct Interrupt {
    requested: CancellationToken,
    /// What hears it: not a run's runtime, whose tasks end with the run.
    _runtime: Runtime,
}

impl Interrupt {
    /// From here on the first request asks for an end in order, and the second ends
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
