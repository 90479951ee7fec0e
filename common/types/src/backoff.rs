//! Delays between attempts to connect again.

use std::{ops::RangeInclusive, time::Duration};

use rand::Rng;

/// Most times that the bound doubles: the factor has to fit into a `u32`.
const MAX_DOUBLINGS: u32 = 30;

/// An exponential backoff, which counts failed attempts in a row.
///
/// The bounds are not part of it, because each device of a worker holds one.
///
/// ```
/// use std::time::Duration;
/// use highwater_types::{Backoff, backoff::full_jitter};
///
/// let bounds = Duration::from_secs(1)..=Duration::from_secs(30);
/// let mut backoff = Backoff::default();
/// assert_eq!(backoff.next_bound(bounds.clone()).as_secs(), 1);
/// let bound = backoff.next_bound(bounds);
/// assert_eq!(bound.as_secs(), 2);
/// assert!(full_jitter(bound, &mut rand::rng()) < bound);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    failures: u8,
}

impl Backoff {
    /// Returns the upper bound of the next delay and counts a failed attempt. The bound
    /// doubles from the start of `bounds` to their end.
    pub fn next_bound(&mut self, bounds: RangeInclusive<Duration>) -> Duration {
        let factor = 1 << u32::from(self.failures).min(MAX_DOUBLINGS);
        // A device that fails for days stays at 255, where the bound has long been reached.
        self.failures = self.failures.saturating_add(1);
        bounds.start().saturating_mul(factor).min(*bounds.end())
    }

    /// Starts again at the shortest bound.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

/// Draws a delay evenly between zero and `bound`. Clients that lost the same server
/// would otherwise all connect again at the same instant.
pub fn full_jitter(bound: Duration, rng: &mut impl Rng) -> Duration {
    // The factor is below 1, so the delay is below the bound.
    bound.mul_f64(rng.random())
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn bound_doubles_to_the_maximum_until_it_is_reset() {
        let bounds = SECOND..=30 * SECOND;
        let mut backoff = Backoff::default();
        let seconds: Vec<_> = (0..7)
            .map(|_| backoff.next_bound(bounds.clone()).as_secs())
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        for _ in 0..1000 {
            assert_eq!(backoff.next_bound(bounds.clone()), 30 * SECOND);
        }
        backoff.reset();
        assert_eq!(backoff.next_bound(bounds), SECOND);
    }

    #[test]
    fn full_jitter_spreads_over_the_whole_bound() {
        let mut rng = StdRng::seed_from_u64(7);
        let delays: Vec<_> = (0..1000).map(|_| full_jitter(SECOND, &mut rng)).collect();
        let mean = delays.iter().sum::<Duration>() / 1000;
        assert!(delays.iter().all(|delay| *delay < SECOND));
        assert!((Duration::from_millis(450)..Duration::from_millis(550)).contains(&mean));
    }
}
