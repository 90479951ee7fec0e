//! The judgement of a queue by the time that arrivals wait in it, after CoDel (RFC 8289).
//!
//! A full queue says little: a burst fills it and is served at once. A queue in which even the
//! shortest wait stays long is one that does not empty. Its last arrivals wait for answers that
//! their clients have given up by then.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The time in which a queue that is not overloaded has one arrival below the target.
const INTERVAL: Duration = Duration::from_secs(1);
/// The multiple of the target that a preferred arrival may have waited.
const PREFERENCE: u32 = 3;

/// A limit on the time that arrivals wait in a queue.
#[derive(Debug)]
pub(crate) struct QueueDelayLimit {
    target: Duration,
    observed: Mutex<Observed>,
}

/// The waits of the interval under way, and what the one before it showed.
#[derive(Debug)]
struct Observed {
    ends: Instant,
    /// `None` before the first arrival of the interval.
    shortest: Option<Duration>,
    is_overloaded: bool,
}

impl QueueDelayLimit {
    pub(crate) fn new(target: Duration) -> Self {
        Self {
            target,
            observed: Mutex::new(Observed {
                ends: Instant::now(),
                shortest: None,
                is_overloaded: false,
            }),
        }
    }

    /// Whether to serve an arrival that has `waited`. Under overload, one that `is_preferred`
    /// may have waited longer than others.
    pub(crate) fn admits(&self, waited: Duration, is_preferred: impl FnOnce() -> bool) -> bool {
        if !self.observe(waited, Instant::now()) || waited <= self.target {
            return true;
        }
        waited <= self.target * PREFERENCE && is_preferred()
    }

    /// Records a wait, and returns whether the queue is overloaded.
    fn observe(&self, waited: Duration, now: Instant) -> bool {
        let mut observed = self.observed.lock();
        if now >= observed.ends {
            // After an interval without arrivals, the queue is empty.
            let is_recent = now < observed.ends + INTERVAL;
            let shortest = observed.shortest.take().filter(|_| is_recent);
            observed.is_overloaded = shortest.is_some_and(|shortest| shortest > self.target);
            observed.ends = now + INTERVAL;
        }
        let shortest = observed
            .shortest
            .map_or(waited, |shortest| shortest.min(waited));
        observed.shortest = Some(shortest);
        // One short wait shows that the queue is empty, without the end of the interval.
        observed.is_overloaded &= shortest > self.target;
        observed.is_overloaded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Duration = Duration::from_millis(500);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Records `waits` at an even pace over `span`, from `from` on. Returns how many found the
    /// queue overloaded.
    fn overloaded(limit: &QueueDelayLimit, from: Instant, span: Duration, waits: &[u64]) -> usize {
        let at = |index: usize| from + span * index as u32 / waits.len() as u32;
        let waits = waits.iter().enumerate();
        waits
            .filter(|(index, wait)| limit.observe(ms(**wait), at(*index)))
            .count()
    }

    #[tokio::test(start_paused = true)]
    async fn burst_does_not_count_as_overload() {
        let (limit, start) = (QueueDelayLimit::new(TARGET), Instant::now());
        // Two seconds of long waits, with one arrival in each second that does not wait.
        for second in 0..2 {
            let from = start + Duration::from_secs(second);
            let waits = [900, 900, 900, 10, 900, 900, 900, 900];
            assert_eq!(overloaded(&limit, from, INTERVAL, &waits), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn queue_that_never_empties_is_overloaded_until_it_does() {
        let (limit, start) = (QueueDelayLimit::new(TARGET), Instant::now());
        assert_eq!(overloaded(&limit, start, INTERVAL, &[900; 10]), 0);
        let second = start + INTERVAL + ms(1);
        assert_eq!(overloaded(&limit, second, INTERVAL, &[900; 10]), 10);
        let third = second + INTERVAL + ms(1);
        // The fourth arrival waits for a short time only: the queue has emptied.
        let waits = [900, 900, 900, 100, 900, 900];
        assert_eq!(overloaded(&limit, third, INTERVAL, &waits), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn overload_is_forgotten_without_arrivals() {
        let (limit, start) = (QueueDelayLimit::new(TARGET), Instant::now());
        assert_eq!(overloaded(&limit, start, INTERVAL, &[900; 10]), 0);
        let later = start + 5 * INTERVAL;
        assert!(!limit.observe(ms(900), later));
    }

    #[tokio::test(start_paused = true)]
    async fn preferred_arrivals_may_wait_longer() {
        let limit = QueueDelayLimit::new(TARGET);
        for _ in 0..20 {
            limit.admits(ms(900), || false);
            tokio::time::advance(ms(100)).await;
        }
        assert!(!limit.admits(ms(900), || false));
        assert!(limit.admits(ms(900), || true));
        assert!(!limit.admits(ms(1600), || true));
        // Still overloaded, since none of them had a short wait.
        assert!(!limit.admits(ms(501), || false));
        assert!(limit.admits(ms(500), || false));
    }
}
