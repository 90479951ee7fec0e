//! SIGTERM and Ctrl-C: what asks a process to end.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears every request to end from when it was made, also one that comes while
/// nobody waits.
pub(super) struct Requests {
    terminate: Signal,
    interrupt: Signal,
}

impl Requests {
    /// From here on neither signal ends the process by itself.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
