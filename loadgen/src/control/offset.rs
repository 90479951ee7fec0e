//! How far a worker's clock is from its coordinator's.
//!
//! Cristian's algorithm (1989): of several questions the one with the shortest
//! round trip bounds the error best, by half of that round trip.

use std::time::Duration;

use tokio::time::Instant;

/// The coordinator's clock as a worker sees it.
#[derive(Debug, Clone, Copy)]
pub struct RemoteClock {
    /// Local instant at which the remote clock reads `clock_us`.
    local: Instant,
    clock_us: u64,
    /// Round trip of the question that showed it.
    round_trip: Duration,
}

impl RemoteClock {
    /// What one question showed: asked at `asked`, answered at `answered`.
    pub fn observed(asked: Instant, answered: Instant, clock_us: u64) -> Self {
        let round_trip = answered - asked;
        Self {
            local: asked + round_trip / 2,
            clock_us,
            round_trip,
        }
    }

    /// The better of two observations.
    pub fn more_precise(self, other: Self) -> Self {
        if other.round_trip < self.round_trip {
            other
        } else {
            self
        }
    }

    /// The local instant at which the remote clock reads `clock_us`.
    pub fn local_instant(&self, clock_us: u64) -> Instant {
        if clock_us >= self.clock_us {
            self.local + Duration::from_micros(clock_us - self.clock_us)
        } else {
            self.local - Duration::from_micros(self.clock_us - clock_us)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_round_trip_wins() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let slow = RemoteClock::observed(start, start + ms(100), 5_000_000);
        let quick = RemoteClock::observed(start + ms(200), start + ms(202), 5_201_000);
        let clock = slow.more_precise(quick);
        assert_eq!(clock.local_instant(6_201_000), start + ms(1201));
        assert_eq!(clock.local_instant(5_001_000), start + ms(1));
    }
}
