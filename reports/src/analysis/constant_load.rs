//! The time in which the number of open sockets is constant, and growth in it.
//!
//! Memory that grows with the sockets is their cost. Memory that grows at constant sockets is a
//! leak, a cache that still fills, or work that the target does besides.

use std::ops::Range;

use super::{
    fit::{FitPoint, SlopeFit, trend},
    run_window::RunWindow,
    source_series::Sample,
};
use crate::record::{SourceRole, names::gauge};

/// Share by which the number of sockets may differ within a constant load. Reconnects of some
/// devices are usual in any long run.
const TOLERANCE: f64 = 0.02;
/// Number of sockets by which it may always differ: of ten sockets, one is more than the share.
const TOLERATED_SOCKETS: f64 = 2.0;
/// Shortest time, in seconds, from which growth per hour is extrapolated: sixtyfold.
const LEAST_SPAN_S: f64 = 60.0;
const HOUR_S: f64 = 3_600.0;

/// Returns the longest time of constant load within the window of distributions; `None` when
/// it is too short for growth to be fitted.
pub(super) fn constant_load(window: &RunWindow) -> Option<Range<f64>> {
    let range = window.distribution_range()?;
    let sockets = window
        .sources
        .sum_per_second(SourceRole::Worker, gauge::SOCKETS_OPEN);
    longest_constant(sockets.iter().filter(|sample| range.contains(&sample.at_s)))
}

/// Fits growth per hour to the samples of a process in a time of constant load; `None` when
/// they cover too little of it.
pub(super) fn hourly_growth(points: &[FitPoint]) -> Option<SlopeFit> {
    let span = points.last()?.0 - points.first()?.0;
    let fit = trend(points).filter(|_| span >= LEAST_SPAN_S)?;
    Some(SlopeFit {
        value: fit.value * HOUR_S,
        low: fit.low * HOUR_S,
        high: fit.high * HOUR_S,
    })
}

/// Returns the points of samples within a range, by seconds.
pub(super) fn points_in(
    samples: impl IntoIterator<Item = Sample>,
    range: &Range<f64>,
) -> Vec<FitPoint> {
    let samples = samples.into_iter();
    let within = samples.filter(|sample| range.contains(&sample.at_s));
    within.map(|sample| (sample.at_s, sample.value)).collect()
}

fn longest_constant<'s>(sockets: impl Iterator<Item = &'s Sample>) -> Option<Range<f64>> {
    let mut longest: Option<Range<f64>> = None;
    let mut current: Option<(Range<f64>, f64)> = None;
    for sample in sockets {
        let is_same =
            |level: f64| (sample.value - level).abs() <= (level * TOLERANCE).max(TOLERATED_SOCKETS);
        current = match current {
            Some((span, level)) if is_same(level) => Some((span.start..sample.at_s, level)),
            _ => Some((sample.at_s..sample.at_s, sample.value)),
        };
        let length = |span: &Range<f64>| span.end - span.start;
        if let Some((span, _)) = &current
            && longest
                .as_ref()
                .is_none_or(|known| length(span) > length(known))
        {
            longest = Some(span.clone());
        }
    }
    longest.filter(|span| span.end - span.start >= LEAST_SPAN_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest(levels: &[(u32, f64)]) -> Option<Range<f64>> {
        let mut at_s = 0.0;
        let mut samples = Vec::new();
        for (seconds, value) in levels {
            for _ in 0..*seconds {
                samples.push(Sample {
                    at_s,
                    value: *value,
                });
                at_s += 1.0;
            }
        }
        longest_constant(samples.iter())
    }

    #[test]
    fn longest_time_of_the_same_sockets_is_found() {
        assert_eq!(longest(&[(100, 500.0), (200, 1000.0)]), Some(100.0..299.0));
        // One in a hundred devices reconnects.
        let churn = [(100, 1000.0), (1, 990.0), (100, 1000.0)];
        assert_eq!(longest(&churn), Some(0.0..200.0));
        let killed = [(90, 1000.0), (10, 500.0), (80, 1000.0)];
        assert_eq!(longest(&killed), Some(0.0..89.0));
        assert_eq!(longest(&[(100, 10.0), (100, 9.0)]), Some(0.0..199.0));
        assert_eq!(longest(&[(60, 10.0)]), None);
        assert_eq!(longest(&[]), None);
    }

    #[test]
    fn growth_of_a_minute_is_that_of_an_hour() {
        let points: Vec<FitPoint> = (0..=60)
            .map(|s| (f64::from(s), f64::from(s) * 2.0))
            .collect();
        let growth = hourly_growth(&points).unwrap();
        assert!((growth.value - 7_200.0).abs() < 1e-6, "{growth:?}");
        assert_eq!(hourly_growth(&points[..60]), None);
        assert_eq!(hourly_growth(&[]), None);
    }
}
