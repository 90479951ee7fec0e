//! Counts that say nothing: 0 of a number that is 0 itself.

use super::summary_metrics::SummaryMetrics;

/// Metrics that count a part of another metric.
const PARTS: [(&str, &[&str]); 13] = [
    ("sockets.requested", &["sockets.opened", "sockets.failed"]),
    ("sockets.open_peak", &["sockets.dropped"]),
    (
        "heartbeats.due",
        &[
            "heartbeats.sent",
            "heartbeats.acknowledged",
            "heartbeats.missed",
            "heartbeats.late",
        ],
    ),
    (
        "commands.due",
        &["commands.issued", "commands.dropped", "commands.no_device"],
    ),
    (
        "commands.issued",
        &[
            "commands.replied",
            "commands.timed_out",
            "commands.not_connected",
            "commands.rejected",
            "commands.failed",
            "commands.lost",
        ],
    ),
    (
        "exchanges.due",
        &["exchanges.sent", "exchanges.dropped", "exchanges.no_device"],
    ),
    (
        "exchanges.sent",
        &[
            "exchanges.answered",
            "exchanges.rejected",
            "exchanges.timed_out",
            "exchanges.lost",
        ],
    ),
    (
        "messages.scheduled",
        &[
            "messages.published",
            "messages.dropped",
            "messages.rejected",
            "messages.unconfirmed",
        ],
    ),
    (
        "messages.due",
        &[
            "messages.delivered",
            "messages.lost",
            "messages.duplicated",
            "messages.reordered",
        ],
    ),
    ("telemetry.due", &["telemetry.sent"]),
    (
        "telemetry.sent",
        &[
            "telemetry.resent",
            "telemetry.accepted",
            "telemetry.rejected",
        ],
    ),
    (
        "telemetry.accepted",
        &[
            "telemetry.handled",
            "telemetry.duplicated",
            "telemetry.redelivered",
            "telemetry.lost",
        ],
    ),
    // Two parts of all processes that events stopped, for which there is no metric.
    ("exits.clean", &["exits.unclean"]),
];

/// Returns the whole of which `metric` counts a part, if both are 0.
pub(super) fn empty_whole(metrics: &SummaryMetrics, metric: &str) -> Option<&'static str> {
    let (whole, _) = PARTS.iter().find(|(_, parts)| parts.contains(&metric))?;
    let is_zero = |path| metrics.get(path) == Some(0.0);
    (is_zero(metric) && is_zero(*whole)).then_some(*whole)
}

#[cfg(test)]
mod tests {
    use highwater_scenarios::metrics;

    use super::*;

    #[test]
    fn every_name_is_a_metric() {
        for (whole, parts) in PARTS {
            for path in parts.iter().chain([&whole]) {
                assert!(metrics::find(path).is_some(), "{path}");
            }
        }
    }
}
