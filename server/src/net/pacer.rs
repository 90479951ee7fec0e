//! Jittered pacing: sockets close one after the other, so that their devices do not come
//! back as one storm.

use std::time::Duration;

use rand::{Rng, rngs::SmallRng};
use tokio::time::{Instant, sleep_until};

/// Shortest wait. Closer turns are taken at once, so that a high rate does not need a timer
/// for each turn.
const MIN_SLEEP: Duration = Duration::from_millis(2);

/// Turns at random intervals of half to one and a half of `interval`.
pub(crate) struct Pacer {
    interval: Duration,
    next_at: Instant,
    rng: SmallRng,
}

impl Pacer {
    pub(crate) fn new(interval: Duration, rng: SmallRng) -> Self {
        Self {
            interval,
            next_at: Instant::now(),
            rng,
        }
    }

    pub(crate) async fn tick(&mut self) {
        let now = Instant::now();
        if self.next_at > now + MIN_SLEEP {
            sleep_until(self.next_at).await;
        }
        let gap = self.interval.mul_f64(self.rng.random_range(0.5..1.5));
        // From the present: a late turn delays the others, and no burst makes up for it.
        self.next_at = self.next_at.max(now) + gap;
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use tokio::time::sleep;

    use super::*;

    /// Returns the times of 1,000 turns in seconds, with a stall of `stall` before the 500th.
    async fn thousand_turns(per_s: u32, stall: Duration) -> Vec<f64> {
        let started = Instant::now();
        let mut pacer = Pacer::new(Duration::from_secs(1) / per_s, SmallRng::seed_from_u64(7));
        let mut times = Vec::new();
        for number in 0..1_000 {
            if number == 500 {
                sleep(stall).await;
            }
            pacer.tick().await;
            times.push(started.elapsed().as_secs_f64());
        }
        times
    }

    /// The most turns within any interval of that length.
    fn max_within(times: &[f64], length: f64) -> usize {
        let within = |from: f64| {
            let range = from..from + length;
            times.iter().filter(|at| range.contains(at)).count()
        };
        times.iter().map(|from| within(*from)).max().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn turns_keep_their_rate_and_are_not_even() {
        let times = thousand_turns(500, Duration::ZERO).await;
        let last = times.last().unwrap();
        assert!((1.8..2.2).contains(last), "{last}");
        assert!(max_within(&times, 0.2) <= 130, "no burst");
        let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
        let min = gaps.clone().fold(f64::MAX, f64::min);
        let max = gaps.fold(0.0, f64::max);
        assert!(max - min > 0.001, "{min} {max}");
    }

    #[tokio::test(start_paused = true)]
    async fn missed_turns_are_not_made_up() {
        let times = thousand_turns(500, Duration::from_secs(3)).await;
        assert!(*times.last().unwrap() > 4.8, "{:?}", times.last());
        assert!(max_within(&times, 0.2) <= 130, "no burst");
    }
}
