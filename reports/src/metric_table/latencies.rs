//! The latencies of a record, with the names that the metric registry has for them.

use super::{
    description::{RecordMetric, RecordUnit, SeriesKind},
    source_kind::{ALL_SOURCES, SourceKind},
};
use crate::{histogram::LatencyHistogram, record::names::latency};

/// The parts of a latency, named as in the registry.
pub(crate) const PARTS: [&str; 7] = ["count", "mean", "p50", "p90", "p99", "p999", "max"];

/// The metric of a tag of the latency log, and its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LatencyName<'t> {
    /// The description; `None` for a tag that this version does not know.
    pub(crate) metric: Option<&'static RecordMetric>,
    /// Name in the registry, without the part: `sockets.connect`.
    pub(crate) name: &'t str,
    /// Sort of process that the durations are about.
    pub(crate) source_kind: SourceKind,
    /// Name of the process; [`ALL_SOURCES`] for all workers together.
    pub(crate) source: &'t str,
}

/// Returns the metric of a tag.
pub(crate) fn latency_name(tag: &str) -> LatencyName<'_> {
    let (tag, owner) = match tag.split_once('@') {
        Some((tag, id)) => (tag, Some(id)),
        None => (tag, None),
    };
    let entry = LATENCIES.iter().find(|(known, _)| *known == tag);
    let source_kind = match tag {
        latency::SEND_LAG => SourceKind::Harness,
        latency::COMMAND_OWNER => SourceKind::Node,
        _ => SourceKind::Client,
    };
    LatencyName {
        metric: entry.map(|(_, metric)| metric),
        name: entry.map_or(tag, |(_, metric)| metric.name),
        source_kind,
        source: owner.unwrap_or(ALL_SOURCES),
    }
}

/// Returns the values of [`PARTS`], in milliseconds apart from the count.
pub(crate) fn part_values(histogram: &LatencyHistogram) -> [f64; PARTS.len()] {
    let millis = |micros: u64| micros as f64 / 1000.0;
    let quantile = |q: f64| millis(histogram.value_at_quantile(q));
    [
        histogram.len() as f64,
        histogram.mean() / 1000.0,
        quantile(0.5),
        quantile(0.9),
        quantile(0.99),
        quantile(0.999),
        millis(histogram.max()),
    ]
}

/// Tags and their metrics. Most tags are the registry's names.
#[rustfmt::skip]
static LATENCIES: &[(&str, RecordMetric)] = &[
    entry(latency::CONNECT, "sockets.connect", "time from the start of an attempt to the 101 response"),
    entry(latency::CONNECT_OPEN, "sockets.connect_open", "time from the start of an attempt to the end of the last step of open"),
    entry(latency::RECONNECT, "sockets.reconnect", "time from losing a socket to having it open again"),
    same(latency::LOGIN_RESPONSE, "time from when a login was due to its whole answer"),
    same(latency::LOGIN_SERVICE, "time from when a login was sent to its whole answer"),
    same(latency::HEARTBEAT_RESPONSE, "time from when a heartbeat was due to its answer"),
    same(latency::HEARTBEAT_SERVICE, "time from when a heartbeat was sent to its answer"),
    same(latency::COMMAND_RESPONSE, "time from when a command was due to its reply"),
    same(latency::COMMAND_SERVICE, "time from when a command was sent to its reply"),
    same(latency::COMMAND_SAME_NODE, "service time when the node that received the call owned the socket"),
    same(latency::COMMAND_CROSS_NODE, "service time when another node owned the socket"),
    same(latency::COMMAND_OWNER, "service time of replies for sockets that the node owned"),
    same(latency::EXCHANGE_RESPONSE, "time from when a message of a device was due to its answer"),
    same(latency::EXCHANGE_SERVICE, "time from when a message of a device was sent to its answer"),
    same(latency::MESSAGE_RESPONSE, "time from when a message was due to the system's acceptance"),
    same(latency::MESSAGE_LATENCY, "time from when a message was due to its delivery"),
    same(latency::MESSAGE_SERVICE, "time from when a message was sent to its delivery"),
    entry(latency::MESSAGE_GAP, "frames.gap", "time between two counted messages of one socket"),
    same(latency::TELEMETRY_RESPONSE, "time from when a telemetry record was due to its acceptance"),
    same(latency::TELEMETRY_SERVICE, "time from when a telemetry record was last sent to its acceptance"),
    same(latency::TELEMETRY_LATENCY, "time from when a telemetry record was due to when a consumer had handled it"),
    same(latency::SEND_LAG, "time from when an action was due to when the harness began it"),
];

const fn same(tag: &'static str, about: &'static str) -> (&'static str, RecordMetric) {
    entry(tag, tag, about)
}

const fn entry(
    tag: &'static str,
    name: &'static str,
    about: &'static str,
) -> (&'static str, RecordMetric) {
    let metric = RecordMetric {
        name,
        kind: SeriesKind::Latency,
        unit: RecordUnit::Millis,
        label: None,
        about,
    };
    (tag, metric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_of_a_process_names_its_source() {
        let lag = latency_name("send_lag@w1");
        assert_eq!(
            (lag.name, lag.source_kind, lag.source),
            ("send_lag", SourceKind::Harness, "w1")
        );
        let connect = latency_name("connect");
        assert_eq!((connect.name, connect.source), ("sockets.connect", "all"));
        assert_eq!(latency_name("later@n1").metric, None);
    }
}
