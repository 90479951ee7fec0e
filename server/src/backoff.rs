//! How long to wait before the next attempt to connect.

use std::time::Duration;

use tokio::time::sleep;

const FIRST: Duration = Duration::from_millis(50);
const LAST: Duration = Duration::from_secs(2);

/// A bound that doubles with each failure; waits are a random part of it (full
/// jitter), so that processes that lost the same broker do not come back in step.
pub(crate) struct Backoff {
    bound: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { bound: FIRST }
    }

    /// A connection has ended. Only one that stood for a while makes the next wait
    /// short again: a broker that lets everybody in and then breaks is not called
    /// upon in a loop.
    pub(crate) fn ended(&mut self, stood: Duration) {
        if stood >= LAST {
            self.bound = FIRST;
        }
    }

    pub(crate) async fn wait(&mut self) {
        let wait = self.bound.mul_f64(rand::random());
        self.bound = (self.bound * 2).min(LAST);
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
            backoff.ended(Duration::from_millis(1));
        }
        assert_eq!(backoff.bound, LAST);
        assert!(began.elapsed() <= 20 * LAST);
        backoff.ended(LAST);
        assert_eq!(backoff.bound, FIRST);
    }
}
