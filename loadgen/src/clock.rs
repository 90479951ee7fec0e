//! The run's clock: seconds since the instant that every process of the run
//! calls 0.

use std::time::Duration;

use tokio::time::Instant;

/// Reads the run's clock; instant 0 may still lie ahead.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    origin: Instant,
}

impl RunClock {
    /// A clock that reads 0 at `origin`.
    pub fn starting_at(origin: Instant) -> Self {
        Self { origin }
    }

    /// Time since 0; zero before it.
    pub fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.origin)
    }

    /// The instant at which the clock reads `at`.
    pub fn instant_at(&self, at: Duration) -> Instant {
        self.origin + at
    }

    /// The instant at which the clock reads whole second `second`.
    pub fn instant_of_second(&self, second: u64) -> Instant {
        self.instant_at(Duration::from_secs(second))
    }

    /// What the clock reads at `instant`; zero before 0.
    pub fn elapsed_at(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.origin)
    }
}
