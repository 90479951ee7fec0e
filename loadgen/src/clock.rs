//! The run's clock: time since instant 0, which all processes of the run agree on.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The run's clock. Instant 0 may still lie ahead.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    origin: Instant,
}

impl RunClock {
    /// Creates a clock that reads 0 at `origin`.
    pub fn starting_at(origin: Instant) -> Self {
        Self { origin }
    }

    /// Returns the time since 0; zero before it.
    pub fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.origin)
    }

    /// Returns the instant at which the clock reads `at`.
    pub fn instant_at(&self, at: Duration) -> Instant {
        self.origin + at
    }

    /// Returns the instant at which the clock reads `second` whole seconds.
    pub fn instant_of_second(&self, second: u64) -> Instant {
        self.instant_at(Duration::from_secs(second))
    }

    /// Returns the time since 1970 at which the clock reads `at`, by what the system's clock
    /// says now.
    pub fn since_1970_at(&self, at: Duration) -> Duration {
        // A system's clock before 1970 is as wrong as one that says 1970.
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        (since_1970.unwrap_or_default() + at).saturating_sub(self.now())
    }

    /// Returns what the clock reads at `instant`; zero before 0.
    pub fn elapsed_at(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.origin)
    }
}
