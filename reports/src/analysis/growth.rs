//! The growth of monotonic gauges over a phase of the run.

use std::ops::Range;

use super::{run_window::RunWindow, source_series::SourceSeries};
use crate::record::SourceRole;

/// Seconds within which the sample of a whole second is taken.
const SAMPLED_WITHIN_S: f64 = 0.5;

/// Returns a gauge's growth per second over the window of distributions.
pub(super) fn growth_per_s(window: &RunWindow, series: &SourceSeries, name: &str) -> Option<f64> {
    let range = window.distribution_range()?;
    Some(series.growth(name, sample_range(&range))? / length_s(&range)?)
}

/// Sums the growth of a gauge over all sources of a role; `None` when one of them was up
/// and did not report it.
pub(super) fn growth_of_role(
    window: &RunWindow,
    role: SourceRole,
    name: &str,
    range: Range<f64>,
) -> Option<f64> {
    let mut sum = None;
    for (_, series) in window.sources.with_role(role) {
        match series.growth(name, range.clone()) {
            Some(growth) => sum = Some(sum.unwrap_or(0.0) + growth),
            // A sum without one live process would be too low and look like a measurement.
            None if series.is_up_in(range.clone()) => return None,
            None => {}
        }
    }
    sum
}

/// Shifts a range of whole seconds to the samples that show its growth. Phases begin at
/// whole seconds, and samples are taken a moment after those.
pub(super) fn sample_range(range: &Range<f64>) -> Range<f64> {
    let from = match range.start {
        // The sample at the start of the phase is the baseline, so it lies before the range.
        start if start > 0.0 => start + SAMPLED_WITHIN_S,
        start => start,
    };
    from..range.end + SAMPLED_WITHIN_S
}

/// Returns the length of a range in seconds; `None` when it is empty.
pub(super) fn length_s(range: &Range<f64>) -> Option<f64> {
    let length = range.end - range.start;
    // A run that was stopped at a phase's first instant has no rate in it.
    (length > 0.0).then_some(length)
}
