//! How long to wait before the next attempt to connect.

use std::time::Duration;

use tokio::time::sleep;

const INITIAL_DELAY: Duration = Duration::from_millis(50);
const MAX_DELAY: Duration = Duration::from_secs(2);

/// A bound that doubles with each failure; waits are a random part of it (full
/// jitter), so that processes that lost the same broker do not come back in step.
pub(crate) struct Backoff {
    ceiling: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self {
            ceiling: INITIAL_DELAY,
        }
    }

    /// A connection has ended. Only one that stood for a while makes the next wait
    /// short again: a broker that lets everybody in and then breaks is not called
    /// upon in a loop.
    pub(crate) fn record_disconnect(&mut self, connected_for: Duration) {
        if connected_for >= MAX_DELAY {
            self.ceiling = INITIAL_DELAY;
        }
    }

    pub(crate) async fn wait(&mut self) {
        let wait = self.ceiling.mul_f64(rand::random());
        self.ceiling = (self.ceiling * 2).min(MAX_DELAY);
        sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_grow_until_a_connection_has_stood() {
        let mut backoff = Backoff::new();
        let began = Instant::now();
        for _ in 0..20 {
            backoff.wait().await;
            backoff.record_disconnect(Duration::from_millis(1));
        }
        assert_eq!(backoff.ceiling, MAX_DELAY);
        assert!(began.elapsed() <= 20 * MAX_DELAY);
        backoff.record_disconnect(MAX_DELAY);
        assert_eq!(backoff.ceiling, INITIAL_DELAY);
    }
}
