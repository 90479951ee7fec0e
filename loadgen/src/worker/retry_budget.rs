//! The turns of attempts that follow a failed one.
//!
//! Each device pauses by itself, and the pauses of thousands of devices bound no rate: a system
//! that rejects them gets as many attempts as there are devices, again and again. A budget
//! spaces the attempts of a pool out, in the order in which their pauses end.

use std::time::Duration;

use highwater_scenarios::{Segment, plan::DevicePool};
use parking_lot::Mutex;
use tokio::time::Instant;

/// A worker's share of a pool's budget.
#[derive(Debug)]
pub struct RetryBudget {
    /// The time between two turns.
    interval: Duration,
    /// The first turn that is not taken.
    next: Mutex<Instant>,
}

impl RetryBudget {
    /// Creates a worker's share; `None` if the pool has no budget or the worker none of its
    /// devices.
    pub fn new(pool: &DevicePool, segment: Segment) -> Option<Self> {
        let budget = pool.reconnect.budget?.as_per_second();
        let share = segment.share_of(pool.count) as f64 / pool.count.max(1) as f64;
        let interval = Duration::try_from_secs_f64(1.0 / (budget * share)).ok()?;
        Some(Self {
            interval,
            next: Mutex::new(Instant::now()),
        })
    }

    /// Takes the next turn. Returns the time until it begins.
    pub fn take_turn(&self) -> Duration {
        let now = Instant::now();
        let mut next = self.next.lock();
        let turn = now.max(*next);
        *next = turn + self.interval;
        turn - now
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_are_spaced_and_none_is_saved() {
        let interval = Duration::from_millis(100);
        let budget = RetryBudget {
            interval,
            next: Mutex::new(Instant::now()),
        };
        let turns: Vec<_> = (0..4).map(|_| budget.take_turn()).collect();
        assert_eq!(turns, [0, 1, 2, 3].map(|turn| interval * turn));
        advance(10 * interval).await;
        assert_eq!(budget.take_turn(), Duration::ZERO);
        assert_eq!(budget.take_turn(), interval);
    }
}
