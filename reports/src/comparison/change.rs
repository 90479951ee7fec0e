//! Differences between two values of a metric, beyond the noise of both.

use highwater_scenarios::metrics::Direction;
use serde::Serialize;

use super::estimate::Estimate;

/// Share of the value below which a difference is ignored, however low the noise is: one run
/// does not show how much runs differ from each other.
const LEAST_CHANGE: f64 = 0.05;

/// The change of a metric beyond its noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MetricChange {
    /// The value changed in the better direction.
    Better,
    /// The value changed in the other direction.
    Worse,
    /// The value changed, and no direction is better.
    Other,
}

/// Returns the change from `first` to `other`; `None` within the noise of both.
pub(super) fn change(
    first: Estimate,
    other: Estimate,
    direction: Direction,
) -> Option<MetricChange> {
    let difference = other.value - first.value;
    if difference.abs() <= noise(first, other)? {
        return None;
    }
    Some(match direction {
        Direction::Neither => MetricChange::Other,
        Direction::Lower if difference < 0.0 => MetricChange::Better,
        Direction::Higher if difference > 0.0 => MetricChange::Better,
        Direction::Lower | Direction::Higher => MetricChange::Worse,
    })
}

/// Returns the limit of a baseline gate: the highest value within the noise of both runs.
pub(super) fn limit(first: Estimate, other: Estimate) -> Option<f64> {
    Some(first.value + noise(first, other)?)
}

fn noise(first: Estimate, other: Estimate) -> Option<f64> {
    // Independent margins add up in squares.
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
    fn change_exceeds_the_noise_of_both_and_a_twentieth() {
        let first = estimate(100.0, 3.0);
        let differs = |value, margin| change(first, estimate(value, margin), Direction::Lower);
        // The root of 3² + 4² is 5.
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
