//! The latency of telemetry: from when a record was due to the line of a journal.

use std::time::Duration;

use highwater_reports::histogram::{LatencyHistogram, latency_histogram, record};

/// The start of the steady phase, from which the due times of a plan count.
#[derive(Debug, Clone, Copy)]
pub struct SteadyStart {
    /// The second of the run's clock.
    pub second: u64,
    /// The time since 1970, by the clock that consumers write into their journals.
    pub since_1970: Duration,
}

/// The times from when records were due to when consumers had handled them.
pub struct TelemetryLatency {
    start: SteadyStart,
    histogram: LatencyHistogram,
}

impl TelemetryLatency {
    pub(super) fn since(start: SteadyStart) -> Self {
        Self {
            start,
            histogram: latency_histogram(),
        }
    }

    /// Counts a record that was due at `due` of the steady phase and whose line says `at_ms`,
    /// in milliseconds since 1970. An impossible time counts nothing.
    pub(super) fn count(&mut self, due: Duration, at_ms: f64) {
        if let Ok(at) = Duration::try_from_secs_f64(at_ms / 1e3) {
            let due = self.start.since_1970 + due;
            record(&mut self.histogram, at.saturating_sub(due));
        }
    }

    /// Returns the second of the run's clock from which due times count.
    pub fn first_second(&self) -> u64 {
        self.start.second
    }

    /// Returns the distribution.
    pub fn histogram(&self) -> &LatencyHistogram {
        &self.histogram
    }
}
