//! The one place that fixes how durations are counted: whole microseconds from
//! 1 µs to an hour, three significant digits.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Durations in microseconds, mergeable without rounding.
pub type LatencyHistogram = Histogram<u64>;

/// An hour in microseconds; longer durations are counted as this one.
pub const HIGHEST_US: u64 = 3_600_000_000;

/// An empty histogram; counts are allocated as values need them.
pub fn latency_histogram() -> LatencyHistogram {
    #[expect(
        clippy::expect_used,
        reason = "the constants are within the crate's documented range"
    )]
    let mut histogram = Histogram::new_with_bounds(1, 2, 3).expect("valid bounds");
    histogram.auto(true);
    histogram
}

/// Counts one duration, clamped to the range.
pub fn record(histogram: &mut LatencyHistogram, value: Duration) {
    let micros = u64::try_from(value.as_micros()).unwrap_or(HIGHEST_US);
    histogram.saturating_record(micros.clamp(1, HIGHEST_US));
}
