//! Delays between attempts to open a socket.

use std::time::Duration;

use highwater_scenarios::plan::{Jitter, ReconnectSpec};
use rand::Rng;

/// Time that a socket must stay open before its device starts again at the shortest
/// delay. A device that loses each socket at once keeps its long delays: otherwise it
/// would reconnect without end at the shortest.
const STABLE_AFTER: Duration = Duration::from_secs(5);

/// The backoff of one device.
#[derive(Debug, Clone, Copy, Default)]
pub struct BackoffState {
    /// Attempts in a row that failed or opened a socket that was soon lost. Saturates: the
    /// delay has long reached its maximum.
    failures: u8,
}

impl BackoffState {
    /// Takes in for how long a socket was open before it was lost.
    pub fn record_open_for(&mut self, length: Duration) {
        if length >= STABLE_AFTER {
            self.failures = 0;
        }
    }

    /// Returns the delay before the next attempt. Its bound doubles from `policy.first` to
    /// `policy.max`.
    pub fn next_delay(&mut self, policy: &ReconnectSpec, rng: &mut impl Rng) -> Duration {
        // At most 30 doublings: more would overflow the factor.
        let doubled = policy
            .first
            .saturating_mul(1 << u32::from(self.failures).min(30));
        self.failures = self.failures.saturating_add(1);
        let bound = doubled.min(policy.max);
        match policy.jitter {
            // Devices that lost their sockets together must not come back together.
            Jitter::Full => bound.mul_f64(rng.random()),
            Jitter::None => bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn policy(jitter: Jitter) -> ReconnectSpec {
        ReconnectSpec {
            first: Duration::from_secs(1),
            max: Duration::from_secs(30),
            jitter,
        }
    }

    #[test]
    fn delay_doubles_to_the_maximum_and_restarts_after_a_stable_socket() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut backoff = BackoffState::default();
        let mut delay = |backoff: &mut BackoffState| {
            backoff
                .next_delay(&policy(Jitter::None), &mut rng)
                .as_secs()
        };
        let delays: Vec<_> = (0..7).map(|_| delay(&mut backoff)).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30]);
        backoff.record_open_for(Duration::from_secs(1));
        assert_eq!(delay(&mut backoff), 30);
        backoff.record_open_for(STABLE_AFTER);
        assert_eq!(delay(&mut backoff), 1);
        for _ in 0..1000 {
            assert!(delay(&mut backoff) <= 30);
        }
    }

    #[test]
    fn full_jitter_spreads_delays_over_the_whole_bound() {
        let mut rng = StdRng::seed_from_u64(7);
        let delays: Vec<_> = (0..1000)
            .map(|_| BackoffState::default().next_delay(&policy(Jitter::Full), &mut rng))
            .collect();
        let mean = delays.iter().sum::<Duration>() / 1000;
        assert!(delays.iter().all(|delay| *delay < Duration::from_secs(1)));
        assert!((Duration::from_millis(450)..Duration::from_millis(550)).contains(&mean));
    }
}
