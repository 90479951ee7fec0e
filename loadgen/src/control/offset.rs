//! The offset between a worker's clock and its coordinator's.
//!
//! Cristian's algorithm (1989): of several pings, the one with the shortest round trip has
//! the smallest error, at most half of that round trip.

use std::time::Duration;

use tokio::time::Instant;

/// The coordinator's clock as a worker observed it.
#[derive(Debug, Clone, Copy)]
pub struct RemoteClock {
    /// Local instant at which the remote clock reads `clock_us`.
    local: Instant,
    clock_us: u64,
    /// Round trip of the ping that observed it.
    round_trip: Duration,
}

impl RemoteClock {
    /// Creates the observation of one ping, sent at `sent` and answered at `answered`.
    pub fn observed(sent: Instant, answered: Instant, clock_us: u64) -> Self {
        let round_trip = answered - sent;
        Self {
            // The remote clock was read somewhere in between: half way is the best guess.
            local: sent + round_trip / 2,
            clock_us,
            round_trip,
        }
    }

    /// Returns the observation with the shorter round trip.
    pub fn more_precise(self, other: Self) -> Self {
        if other.round_trip < self.round_trip {
            other
        } else {
            self
        }
    }

    /// Returns what the remote clock reads at a local instant, in microseconds.
    pub fn reading_at_us(&self, local: Instant) -> f64 {
        let us = |duration: Duration| duration.as_secs_f64() * 1e6;
        let ahead = us(local.saturating_duration_since(self.local));
        self.clock_us as f64 + ahead - us(self.local.saturating_duration_since(local))
    }

    /// Returns the most by which the observation may be wrong: half of its round trip.
    pub fn bound(&self) -> Duration {
        self.round_trip / 2
    }

    /// Returns the local instant at which the remote clock reads `clock_us`.
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
    fn observation_with_the_shortest_round_trip_wins() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let slow = RemoteClock::observed(start, start + ms(100), 5_000_000);
        let quick = RemoteClock::observed(start + ms(200), start + ms(202), 5_201_000);
        let clock = slow.more_precise(quick);
        assert_eq!(clock.local_instant(6_201_000), start + ms(1201));
        assert_eq!(clock.local_instant(5_001_000), start + ms(1));
    }
}
