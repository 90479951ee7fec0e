//! The signals that start and stop a worker's users.
//!
//! ```text
//! ramp ──► steady announced ──► steady starts ──► drain ──► close
//!  │         (two seconds ahead)  │                 │         └ sockets close, each in its turn
//!  └ sockets open                 └ commands, messages, telemetry, late pools
//!                                                   └ no new work; results are awaited
//! ```

use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

/// The signals that start and stop a worker's users.
pub struct Signals {
    /// The instant at which the ramp starts.
    pub ramp: Instant,
    /// The instant at which the steady phase starts, once it is announced.
    pub steady: watch::Receiver<Option<Instant>>,
    /// Cancelled when no new sockets and commands may begin.
    pub drain: CancellationToken,
    /// Cancelled when all sockets are to close, each in its turn. Comes after every
    /// command in flight has its result, so that closing fails none.
    pub close: CancellationToken,
}

impl Signals {
    /// Returns the start of the steady phase, once it is announced.
    pub fn steady_start(&self) -> Option<Instant> {
        *self.steady.borrow()
    }

    /// Waits until the steady phase starts; `None` if the drain comes first.
    pub async fn wait_steady_start(&self) -> Option<Instant> {
        let start = self.wait_steady_announced().await?;
        tokio::select! {
            () = tokio::time::sleep_until(start) => Some(start),
            () = self.drain.cancelled() => None,
        }
    }

    /// Waits until the start of the steady phase is announced; `None` if the drain comes
    /// first.
    pub async fn wait_steady_announced(&self) -> Option<Instant> {
        // A clone, because waiting marks the value as seen by its receiver.
        let mut steady = self.steady.clone();
        tokio::select! {
            start = steady.wait_for(Option::is_some) => start.ok().and_then(|start| *start),
            () = self.drain.cancelled() => None,
        }
    }
}
