//! The gauges in the text of RabbitMQ's Prometheus plugin.

use highwater_reports::record::names::gauge;

use crate::sampling::{
    Gauges, MetricsEndpoint,
    prometheus::{MetricMapping, map_gauges, mapping},
};

/// The metrics that hold gauges. Bytes are not mapped: the plugin reports them per open
/// connection, so their sum falls when a connection closes.
const METRIC_MAPPINGS: &[MetricMapping] = &[
    mapping(gauge::RSS, "rabbitmq_process_resident_memory_bytes"),
    mapping(gauge::OPEN_FILES, "rabbitmq_process_open_fds"),
    // One sample for each kind of memory of the Erlang machine.
    mapping(gauge::HEAP, "erlang_vm_memory_bytes_total"),
    mapping(gauge::BROKER_CLIENTS, "rabbitmq_connections"),
    mapping(gauge::BROKER_CHANNELS, "rabbitmq_queues"),
    mapping(gauge::BROKER_BACKLOG, "rabbitmq_queue_messages"),
    // One sample for each protocol.
    mapping(gauge::BROKER_PUBLISHED, RECEIVED),
    mapping(gauge::BROKER_MESSAGES_IN, RECEIVED),
    mapping(
        gauge::BROKER_MESSAGES_OUT,
        "rabbitmq_global_messages_delivered_total",
    ),
    mapping(RUNTIME_MS, "erlang_vm_statistics_runtime_milliseconds"),
];

/// The metric of messages that publishers sent.
const RECEIVED: &str = "rabbitmq_global_messages_received_total";

/// The CPU time of the Erlang machine in milliseconds, before it is converted to seconds.
const RUNTIME_MS: &str = "runtime_ms";

/// Reads the gauges in the text.
pub(super) fn parse(text: &str) -> Gauges {
    let mut gauges = map_gauges(METRIC_MAPPINGS, text, &MetricsEndpoint::default()).gauges;
    if let Some(millis) = gauges.remove(RUNTIME_MS) {
        gauges.insert(gauge::CPU.into(), millis / 1e3);
    }
    gauges
}
