//! Whether two figures differ beyond their noise, and which of them is better.

use highwater_scenarios::metrics::Direction;
use serde::Serialize;

use super::estimate::Estimate;

/// A difference below this part of the figure is nothing, however quiet both
/// runs were: one run does not show what differs from run to run.
const LEAST_CHANGE: f64 = 0.05;

/// How a figure changed beyond its noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MetricChange {
    Better,
    Worse,
    /// Different, and neither good nor bad by itself.
    Other,
}

/// How `other` differs from `first`, where it does so beyond the noise of both.
pub(super) fn change(first: Estimate, other: Estimate, better: Direction) -> Option<MetricChange> {
    let difference = other.value - first.value;
    if difference.abs() <= noise(first, other)? {
        return None;
    }
    Some(match better {
        Direction::Neither => MetricChange::Other,
        Direction::Lower if difference < 0.0 => MetricChange::Better,
        Direction::Higher if difference > 0.0 => MetricChange::Better,
        Direction::Lower | Direction::Higher => MetricChange::Worse,
    })
}

/// The highest value that would not be a change for the worse from the first one,
/// given the noise of another: what a baseline gate holds that against.
pub(super) fn limit(first: Estimate, other: Estimate) -> Option<f64> {
    Some(first.value + noise(first, other)?)
}

fn noise(first: Estimate, other: Estimate) -> Option<f64> {
    let noise = first.margin?.hypot(other.margin?);
    Some(noise.max(first.value.abs() * LEAST_CHANGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, margin: f64) -> Estimate {
        Estimate {
            value,
            margin: Some(margin),
        }
    }

    #[test]
    fn a_change_is_larger_than_the_noise_of_both_and_than_a_twentieth() {
        let first = estimate(100.0, 3.0);
        let differs = |value, margin| change(first, estimate(value, margin), Direction::Lower);
        // 3 and 4 are together 5.
        assert_eq!(differs(105.0, 4.0), None);
        assert_eq!(differs(105.1, 4.0), Some(MetricChange::Worse));
        assert_eq!(differs(94.9, 4.0), Some(MetricChange::Better));
        assert_eq!(differs(104.9, 0.0), None, "less than a twentieth");
        let unknown = Estimate {
            value: 500.0,
            margin: None,
        };
        assert_eq!(change(first, unknown, Direction::Lower), None);
        let other = estimate(200.0, 4.0);
        assert_eq!(
            change(first, other, Direction::Neither),
            Some(MetricChange::Other)
        );
        assert_eq!(limit(first, other), Some(105.0));
    }
}
