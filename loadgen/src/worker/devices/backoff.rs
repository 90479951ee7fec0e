//! Pauses between attempts to open a socket.

use std::time::Duration;

use highwater_scenarios::plan::{Jitter, ReconnectSpec};
use rand::Rng;

/// A socket that stayed open this long starts again at the shortest pause;
/// one that is thrown out at once does not, or it would hammer for ever.
const STABLE_AFTER: Duration = Duration::from_secs(5);

/// Longest pause that a server may ask for and is believed.
pub const MAX_SERVER_DELAY: Duration = Duration::from_secs(3_600);

/// How many attempts in a row have come to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct BackoffState {
    failures: u8,
}

impl BackoffState {
    /// A socket was open for this long before it was lost.
    pub fn record_open_for(&mut self, length: Duration) {
        if length >= STABLE_AFTER {
            self.failures = 0;
        }
    }

    /// The pause before the next attempt: the bound doubles from
    /// `policy.first` to `policy.max`.
    pub fn next_delay(&mut self, policy: &ReconnectSpec, rng: &mut impl Rng) -> Duration {
        let doubled = policy
            .first
            .saturating_mul(1 << u32::from(self.failures).min(30));
        self.failures = self.failures.saturating_add(1);
        let bound = doubled.min(policy.max);
        match policy.jitter {
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
    fn the_bound_doubles_to_the_maximum_and_starts_anew_after_a_stable_time() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut backoff = BackoffState::default();
        let mut pause = |backoff: &mut BackoffState| {
            backoff
                .next_delay(&policy(Jitter::None), &mut rng)
                .as_secs()
        };
        let pauses: Vec<_> = (0..7).map(|_| pause(&mut backoff)).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        backoff.record_open_for(Duration::from_secs(1));
        assert_eq!(pause(&mut backoff), 30);
        backoff.record_open_for(STABLE_AFTER);
        assert_eq!(pause(&mut backoff), 1);
        for _ in 0..1000 {
            assert!(pause(&mut backoff) <= 30);
        }
    }

    #[test]
    fn full_jitter_spreads_over_the_whole_bound() {
        let mut rng = StdRng::seed_from_u64(7);
        let pauses: Vec<_> = (0..1000)
            .map(|_| BackoffState::default().next_delay(&policy(Jitter::Full), &mut rng))
            .collect();
        let mean = pauses.iter().sum::<Duration>() / 1000;
        assert!(pauses.iter().all(|pause| *pause < Duration::from_secs(1)));
        assert!((Duration::from_millis(450)..Duration::from_millis(550)).contains(&mean));
    }
}
