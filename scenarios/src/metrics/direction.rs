//! Which way a metric is better.

use super::{Metric, Unit};

/// The way in which a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A lower value is better.
    Lower,
    /// A higher value is better.
    Higher,
    /// A value is neither good nor bad by itself.
    Neither,
}

/// The counts of what went wrong.
const FAILURES: [&str; 18] = [
    "sockets.failed",
    "sockets.dropped",
    "heartbeats.missed",
    "heartbeats.late",
    "commands.dropped",
    "commands.timed_out",
    "commands.not_connected",
    "commands.rejected",
    "commands.failed",
    "messages.dropped",
    "messages.rejected",
    "messages.unconfirmed",
    "messages.lost",
    "messages.duplicated",
    "messages.reordered",
    "telemetry.rejected",
    "telemetry.duplicated",
    "telemetry.lost",
];

impl Direction {
    /// Returns `lower`, `higher` or `neither`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
            Self::Neither => "neither",
        }
    }
}

impl Metric {
    /// Returns the way in which the metric is better.
    pub fn direction(&self) -> Direction {
        match (self.unit, self.path.as_str()) {
            (Unit::PerSecond, _) => Direction::Higher,
            (Unit::Millis | Unit::Bytes, _) => Direction::Lower,
            (_, "balance.min_over_mean_at_end" | "balance.jain_at_end") => Direction::Higher,
            (_, path) if path.starts_with("balance.") => Direction::Lower,
            (_, path) if path.starts_with("cost_per_socket.") => Direction::Lower,
            _ if self.counts_failures() => Direction::Lower,
            _ => Direction::Neither,
        }
    }

    /// Whether the metric counts what went wrong.
    pub fn counts_failures(&self) -> bool {
        FAILURES.contains(&self.path.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::find,
        Direction::{Higher, Lower, Neither},
        FAILURES,
    };

    #[test]
    fn every_metric_has_its_direction() {
        for (path, expected) in [
            ("sockets.connect_rate", Higher),
            ("heartbeats.response.p99", Lower),
            ("cost_per_socket.balancer_open_files", Lower),
            ("commands.failed", Lower),
            ("commands.replied", Neither),
            ("balance.max_over_mean_at_end", Lower),
            ("balance.min_over_mean_at_end", Higher),
            ("balance.jain_at_end", Higher),
            ("balance.herding.share", Lower),
            ("cpu_cores.nodes", Neither),
        ] {
            assert_eq!(find(path).unwrap().direction(), expected, "{path}");
        }
    }

    #[test]
    fn every_count_of_failures_is_a_metric() {
        for path in FAILURES {
            assert!(find(path).is_some(), "{path}");
        }
    }
}
