//! Histograms of durations. This module alone fixes their precision: whole microseconds from
//! 1 µs to an hour, with three significant digits.
//!
//! Histograms of several workers are merged, because an average of percentiles is not the
//! percentile of all values:
//!
//! ```
//! use std::time::Duration;
//! use highwater_reports::histogram::{latency_histogram, record};
//!
//! let (mut quick, mut slow) = (latency_histogram(), latency_histogram());
//! for _ in 0..99 {
//!     record(&mut quick, Duration::from_micros(200));
//! }
//! record(&mut slow, Duration::from_secs(3));
//!
//! quick.add(&slow).expect("both have the same bounds");
//! assert_eq!(quick.len(), 100);
//! assert_eq!(quick.value_at_quantile(0.99), 200);
//! assert!(quick.max() >= 3_000_000);
//! ```

mod decode;

use std::time::Duration;

use hdrhistogram::Histogram;

pub use self::decode::{HistogramReader, InvalidHistogram};

/// A histogram of durations in microseconds, mergeable without rounding.
pub type LatencyHistogram = Histogram<u64>;

/// Highest duration, an hour in microseconds. Longer durations are counted as this one.
pub const HIGHEST_US: u64 = 3_600_000_000;

/// Creates an empty histogram, which grows with its values.
pub fn latency_histogram() -> LatencyHistogram {
    #[expect(
        clippy::expect_used,
        reason = "the constants are within the crate's documented range"
    )]
    // The smallest bounds: a histogram of 3 digits up to an hour would take nearly 200 KiB at once.
    let mut histogram = Histogram::new_with_bounds(1, 2, 3).expect("valid bounds");
    histogram.auto(true);
    histogram
}

/// Counts one duration, clamped to the range.
pub fn record(histogram: &mut LatencyHistogram, value: Duration) {
    // A duration beyond u64 microseconds is clamped below anyway.
    let micros = u64::try_from(value.as_micros()).unwrap_or(HIGHEST_US);
    record_micros(histogram, micros, 1);
}

/// Counts a number of durations of the same length.
pub(crate) fn record_micros(histogram: &mut LatencyHistogram, micros: u64, times: u64) {
    // The crate's saturating call clamps to the range allocated so far instead of growing.
    let recorded = histogram.record_n(micros.clamp(1, HIGHEST_US), times);
    debug_assert!(recorded.is_ok(), "a histogram that grows takes any value");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_duration_after_a_short_one_is_counted_in_full() {
        let mut histogram = latency_histogram();
        record(&mut histogram, Duration::from_micros(1));
        record(&mut histogram, Duration::from_secs(90));
        record(&mut histogram, Duration::from_secs(1 << 40));
        let seconds = |micros: u64| micros as f64 / 1e6;
        assert!((seconds(histogram.value_at_quantile(0.6)) / 90.0 - 1.0).abs() < 1e-3);
        assert!((seconds(histogram.max()) / 3600.0 - 1.0).abs() < 1e-3);
        assert_eq!(histogram.len(), 3);
    }
}
