//! Delays between attempts to open a device's socket.

use std::time::Duration;

use highwater_scenarios::plan::{Jitter, ReconnectSpec};
use highwater_types::backoff::{Backoff, full_jitter};
use rand::Rng;

/// Time after which an open socket counts as stable, and its device starts again at the
/// shortest delay. A device whose socket closes at once keeps its long delay, or it would
/// connect in a tight loop.
const STABLE_AFTER: Duration = Duration::from_secs(5);

/// A device's backoff. It takes one byte, because a worker holds one per socket; the
/// policy is in the plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct BackoffState {
    attempts: Backoff,
}

impl BackoffState {
    /// Records that a socket was open for this long before it was lost.
    pub fn record_open_for(&mut self, length: Duration) {
        if length >= STABLE_AFTER {
            self.attempts.reset();
        }
    }

    /// Returns the delay before the next attempt.
    pub fn next_delay(&mut self, policy: &ReconnectSpec, rng: &mut impl Rng) -> Duration {
        let bound = self.attempts.next_bound(policy.first..=policy.max);
        match policy.jitter {
            Jitter::Full => full_jitter(bound, rng),
            Jitter::None => bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn delay_grows_until_a_socket_was_stable() {
        let policy = ReconnectSpec {
            budget: None,
            first: Duration::from_secs(1),
            max: Duration::from_secs(30),
            jitter: Jitter::None,
        };
        let mut rng = StdRng::seed_from_u64(7);
        let mut backoff = BackoffState::default();
        let mut delay =
            |backoff: &mut BackoffState| backoff.next_delay(&policy, &mut rng).as_secs();
        assert_eq!([1, 2, 4].map(|_| delay(&mut backoff)), [1, 2, 4]);
        backoff.record_open_for(Duration::from_secs(1));
        assert_eq!(delay(&mut backoff), 8);
        backoff.record_open_for(STABLE_AFTER);
        assert_eq!(delay(&mut backoff), 1);
    }

    #[test]
    fn backoff_takes_one_byte() {
        assert_eq!(size_of::<BackoffState>(), 1);
    }
}
