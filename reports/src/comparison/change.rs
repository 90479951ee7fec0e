//! Whether two figures differ beyond their noise, and which of them is better.

use highwater_scenarios::metrics::{Metric, Unit};
use serde::Serialize;

use super::estimate::{Estimate, is_failure};

/// A difference below this part of the figure is nothing, however quiet both
/// runs were: one run does not show what differs from run to run.
const LEAST_CHANGE: f64 = 0.05;

/// Which way a figure is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Lower,
    Higher,
    /// Neither is good or bad by itself.
    Neither,
}

/// How a figure changed beyond its noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MetricChange {
    Better,
    Worse,
    /// Different, and neither good nor bad by itself.
    Other,
}

impl Direction {
    /// Of a figure of the catalogue.
    pub(super) fn of(figure: &Metric) -> Self {
        match (figure.unit, figure.path.as_str()) {
            (Unit::PerSecond, _) => Self::Higher,
            (Unit::Millis | Unit::Bytes, _) => Self::Lower,
            (_, "balance.min_over_mean_at_end" | "balance.jain_at_end") => Self::Higher,
            (_, path) if path.starts_with("balance.") => Self::Lower,
            (_, path) if path.starts_with("cost_per_socket.") => Self::Lower,
            (_, path) if is_failure(path) => Self::Lower,
            _ => Self::Neither,
        }
    }
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
    use highwater_scenarios::metrics::find;

    use super::*;

    fn estimate(value: f64, margin: f64) -> Estimate {
        Estimate {
            value,
            margin: Some(margin),
        }
    }

    #[test]
    fn figures_know_which_way_they_are_better() {
        use Direction::{Higher, Lower, Neither};
        for (path, expected) in [
            ("sockets.connect_rate", Higher),
            ("heartbeats.response.p99", Lower),
            ("cost_per_socket.gateway_open_files", Lower),
            ("commands.failed", Lower),
            ("commands.replied", Neither),
            ("balance.max_over_mean_at_end", Lower),
            ("balance.min_over_mean_at_end", Higher),
            ("balance.jain_at_end", Higher),
            ("balance.herding.share", Lower),
            ("processors.nodes", Neither),
        ] {
            assert_eq!(Direction::of(&find(path).unwrap()), expected, "{path}");
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
