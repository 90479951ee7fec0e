//! Delays before the next attempt to connect to a broker.

use std::time::Duration;

use highwater_types::backoff::full_jitter;
use tokio::time::sleep;

/// Upper bound of the first delay: a broker that restarts is back within seconds.
const INITIAL_DELAY: Duration = Duration::from_millis(50);

/// Highest upper bound, and the time after which a connection counts as stable.
const MAX_DELAY: Duration = Duration::from_secs(2);

/// A backoff that waits by itself.
#[derive(Default)]
pub(crate) struct Backoff {
    attempts: highwater_types::Backoff,
}

impl Backoff {
    /// Starts again at the shortest delay if the connection was stable.
    pub(crate) fn record_disconnect(&mut self, connected_for: Duration) {
        // Otherwise a broker that accepts each connection and closes it would get attempts in
        // a tight loop.
        if connected_for >= MAX_DELAY {
            self.attempts.reset();
        }
    }

    /// Waits before the next attempt.
    pub(crate) async fn wait(&mut self) {
        let bound = self.attempts.next_bound(INITIAL_DELAY..=MAX_DELAY);
        // Full jitter: the nodes of a broker that restarts must not return at the same moment.
        let delay = full_jitter(bound, &mut rand::rng());
        sleep(delay).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn delay_grows_until_a_connection_was_stable() {
        // On a copy, because the call counts as an attempt.
        let next = |backoff: &Backoff| { backoff.attempts }.next_bound(INITIAL_DELAY..=MAX_DELAY);
        let mut backoff = Backoff::default();
        let started = Instant::now();
        for _ in 0..20 {
            backoff.wait().await;
            backoff.record_disconnect(Duration::from_millis(1));
        }
        assert_eq!(next(&backoff), MAX_DELAY);
        assert!(started.elapsed() <= 20 * MAX_DELAY);
        backoff.record_disconnect(MAX_DELAY);
        assert_eq!(next(&backoff), INITIAL_DELAY);
    }
}
