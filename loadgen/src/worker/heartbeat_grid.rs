//! The instants at which the heartbeats of a worker are due.
//!
//! ```text
//! period of a pool ├────┬────┬────┬────┬ ⋯ ┬────┤   steps of at most a thousandth, or of 10 ms
//! heartbeats of w0 ●    ●         ●    ●        ●   each on an instant of the grid
//! heartbeats of w1   ●       ●    ●      ●          its grid begins a part of a step later
//! ```
//!
//! A worker with thousands of sockets would otherwise wake for each heartbeat, and for its
//! answer once more. With the grid it wakes for a few at a time, which takes a quarter less CPU
//! time at both ends. The grids of the workers are staggered, so the system gets no wave.
//!
//! The times are measured from the instants of the grid, so it changes no result. It moves a
//! heartbeat by less than a step, which is short beside its period.

use std::time::Duration;

use highwater_scenarios::{Plan, Segment};
use tokio::time::Instant;

/// Steps of a period, at least, where they are longer than [`MAX_STEP`].
const MIN_STEPS: u32 = 1_000;
/// Longest step for heartbeats with a short period.
const MAX_STEP: Duration = Duration::from_millis(10);
/// Shortest step: the resolution of the runtime's timers.
const MIN_STEP: Duration = Duration::from_millis(1);
/// Heartbeats that a worker has at one instant, on average, where the steps allow it. More
/// would wait for each other.
const MOST_AT_ONCE: f64 = 10.0;

/// The grid of a worker.
#[derive(Debug)]
pub struct HeartbeatGrid {
    origin: Instant,
    max_step: Duration,
}

impl HeartbeatGrid {
    /// Creates the grid of a worker's share of the plan, whose ramp starts at `ramp`.
    pub fn new(plan: &Plan, segment: Segment, ramp: Instant) -> Self {
        let rates = plan.devices.iter().map(|pool| {
            let sockets = segment.share_of(pool.count) as f64;
            sockets / pool.heartbeat.as_secs_f64()
        });
        let periods = plan.devices.iter().map(|pool| pool.heartbeat);
        let max_step = max_step(rates.sum(), periods.min().unwrap_or_default());
        Self {
            origin: ramp + max_step * segment.index() / segment.of(),
            max_step,
        }
    }

    /// Returns the first instant of the grid that is not before `due`, for heartbeats with
    /// this period.
    pub fn at_or_after(&self, due: Instant, period: Duration) -> Instant {
        // A whole number of steps per period: each later heartbeat is on the grid as well.
        let steps = period.as_nanos().div_ceil(self.max_step.as_nanos()).max(1);
        let step = period.as_nanos() / steps;
        let since = due.saturating_duration_since(self.origin).as_nanos();
        let wait = since.next_multiple_of(step.max(1)) - since;
        due + Duration::from_nanos(wait as u64)
    }
}

/// Returns the longest step of a worker that sends so many heartbeats per second, for the
/// shortest period of its pools.
fn max_step(heartbeats_per_s: f64, shortest_period: Duration) -> Duration {
    let step = MOST_AT_ONCE / heartbeats_per_s.max(1.0);
    Duration::from_secs_f64(step).clamp(MIN_STEP, MAX_STEP.max(shortest_period / MIN_STEPS))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PERIOD: Duration = Duration::from_secs(20);

    fn grid() -> HeartbeatGrid {
        let origin = Instant::now();
        let max_step = max_step(1_500.0, PERIOD);
        HeartbeatGrid { origin, max_step }
    }

    #[test]
    fn heartbeats_move_by_less_than_a_step_and_later_ones_stay_on_the_grid() {
        let grid = grid();
        for micros in (0..50_000_000).step_by(77_777) {
            let due = grid.origin + Duration::from_micros(micros);
            let at = grid.at_or_after(due, PERIOD);
            assert!(at >= due && at - due < grid.max_step, "{:?}", at - due);
            let next = grid.at_or_after(at + PERIOD, PERIOD);
            let moved = next.duration_since(at + PERIOD);
            // A step is a whole number of nanoseconds, so a period has some more than its steps.
            assert!(
                moved < Duration::from_micros(10)
                    || moved + Duration::from_micros(10) > grid.max_step,
                "{moved:?}"
            );
        }
    }

    #[test]
    fn instants_of_a_period_are_shared_by_some_heartbeats() {
        let grid = grid();
        let due = |number: u64| grid.origin + PERIOD.mul_f64(number as f64 / 30_000.0);
        let instants: BTreeSet<_> = (0..30_000)
            .map(|number| grid.at_or_after(due(number), PERIOD))
            .collect();
        assert!(
            (3_000..=3_001).contains(&instants.len()),
            "{}",
            instants.len()
        );
    }

    #[test]
    fn steps_are_short_where_heartbeats_are_many() {
        for (rate, period_s, micros) in [
            (0.0, 1, 10_000),
            (75.0, 10, 10_000),
            (75.0, 20, 20_000),
            (400.0, 60, 25_000),
            (2_000.0, 60, 5_000),
            (1e6, 60, 1_000),
        ] {
            let period = Duration::from_secs(period_s);
            let step = Duration::from_micros(micros);
            assert_eq!(max_step(rate, period), step, "{rate} {period_s}");
        }
    }

    #[test]
    fn period_that_is_shorter_than_a_step_is_a_step() {
        let grid = grid();
        let due = grid.origin + Duration::from_micros(1_500);
        let at = grid.at_or_after(due, Duration::from_millis(1));
        assert_eq!(at, grid.origin + Duration::from_millis(2));
        assert_eq!(grid.at_or_after(due, Duration::ZERO), due);
    }
}
