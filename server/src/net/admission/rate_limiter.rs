//! A token bucket in one number (the generic cell rate algorithm, ITU-T I.371).

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

use crate::rate::Rate;

/// A token bucket that admits `burst` arrivals at once and `rate` in the long run.
#[derive(Debug)]
pub(super) struct RateLimiter {
    began: Instant,
    interval_ns: u64,
    /// Time by which arrivals may run ahead of the rate: the burst.
    tolerance_ns: u64,
    /// Time at which the next arrival is due at an even rate, in nanoseconds since `began`.
    next_ns: AtomicU64,
}

impl RateLimiter {
    pub(super) fn new(rate: Rate, burst: Option<u32>) -> Self {
        let burst = burst.unwrap_or_else(|| rate.default_burst()).max(1);
        let interval_ns = rate.interval().as_nanos() as u64;
        Self {
            began: Instant::now(),
            interval_ns,
            // The first of a burst needs no tolerance.
            tolerance_ns: interval_ns * u64::from(burst - 1),
            next_ns: AtomicU64::new(0),
        }
    }

    /// Takes a token, or returns the time until there is one.
    pub(super) fn try_acquire(&self) -> Result<(), Duration> {
        let now = self.began.elapsed().as_nanos() as u64;
        let taken = self.next_ns.fetch_update(Relaxed, Relaxed, |next| {
            // Unused time is lost: after a pause only the burst is free.
            let due = next.max(now);
            (due <= now + self.tolerance_ns).then_some(due + self.interval_ns)
        });
        let wait = |next: u64| Duration::from_nanos(next.saturating_sub(now + self.tolerance_ns));
        taken.map(|_| ()).map_err(wait)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn burst_is_admitted_at_once_and_then_the_rate() {
        let limiter = RateLimiter::new("10/s".parse().unwrap(), Some(3));
        let taken = || {
            std::iter::repeat_with(|| limiter.try_acquire())
                .take_while(Result::is_ok)
                .count()
        };
        assert_eq!(taken(), 3);
        assert_eq!(limiter.try_acquire(), Err(Duration::from_millis(100)));
        advance(Duration::from_millis(250)).await;
        assert_eq!(taken(), 2);
        advance(Duration::from_secs(3600)).await;
        assert_eq!(taken(), 3);
    }

    proptest! {
        /// The limiter admits the burst and the tokens of the elapsed time, no more and no
        /// fewer.
        #[test]
        fn any_arrivals_get_exactly_burst_and_rate(
            per_s in 1u32..10_000,
            burst in 1u32..100,
            steps in proptest::collection::vec((0u64..2_000, 0usize..200), 1..50),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(async {
                let rate: Rate = format!("{per_s}/s").parse().unwrap();
                let limiter = RateLimiter::new(rate, Some(burst));
                let mut tokens = f64::from(burst);
                let per_ms = 1.0 / (rate.interval().as_secs_f64() * 1000.0);
                for (pause_ms, arrivals) in steps {
                    advance(Duration::from_millis(pause_ms)).await;
                    tokens = (tokens + pause_ms as f64 * per_ms).min(f64::from(burst));
                    let taken = (0..arrivals).filter(|_| limiter.try_acquire().is_ok()).count();
                    let expected = (arrivals as f64).min(tokens + 1e-6).floor();
                    prop_assert!((taken as f64 - expected).abs() <= 1.0, "{taken} of {expected}");
                    tokens = (tokens - taken as f64).max(0.0);
                }
                Ok(())
            })?;
        }
    }
}
