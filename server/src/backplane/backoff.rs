//! How long to wait before the next attempt to connect.

use std::time::Duration;

use tokio::time::sleep;

const FIRST: Duration = Duration::from_millis(50);
const LAST: Duration = Duration::from_secs(2);

/// A bound that doubles with each failure; waits are a random part of it (full
/// jitter), so that nodes that lost the same broker do not come back in step.
pub(super) struct Backoff {
    bound: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { bound: FIRST }
    }

    /// The connection stood: the next wait is short again.
    pub(super) fn reset(&mut self) {
        self.bound = FIRST;
    }

    pub(super) async fn wait(&mut self) {
        let wait = self.bound.mul_f64(rand::random());
        self.bound = (self.bound * 2).min(LAST);
        sleep(wait).await;
    }
}
