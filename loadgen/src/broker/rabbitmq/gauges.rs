//! RabbitMQ: the text of its Prometheus plugin.

use highwater_reports::record::names::gauge;

use crate::sampling::{
    Gauges,
    prometheus::{MetricMapping, map_gauges, mapping},
};

/// Bytes that went through are told of each open connection alone, and so not
/// recorded: their sum falls when one closes.
const METRIC_MAPPINGS: &[MetricMapping] = &[
    mapping(gauge::RSS, "rabbitmq_process_resident_memory_bytes"),
    mapping(gauge::OPEN_FILES, "rabbitmq_process_open_fds"),
    // Memory of the Erlang machine, by kind.
    mapping(gauge::HEAP, "erlang_vm_memory_bytes_total"),
    mapping(gauge::BROKER_CLIENTS, "rabbitmq_connections"),
    mapping(gauge::BROKER_CHANNELS, "rabbitmq_queues"),
    mapping(gauge::BROKER_BACKLOG, "rabbitmq_queue_messages"),
    // By protocol.
    mapping(gauge::BROKER_PUBLISHED, RECEIVED),
    mapping(gauge::BROKER_MESSAGES_IN, RECEIVED),
    mapping(
        gauge::BROKER_MESSAGES_OUT,
        "rabbitmq_global_messages_delivered_total",
    ),
    mapping(RUNTIME_MS, "erlang_vm_statistics_runtime_milliseconds"),
];

/// Messages that publishers sent.
const RECEIVED: &str = "rabbitmq_global_messages_received_total";

/// CPU time of the Erlang machine, in milliseconds; recorded in seconds.
const RUNTIME_MS: &str = "runtime_ms";

/// The gauges in the text.
pub(in crate::broker) fn gauges(text: &str) -> Gauges {
    let mut gauges = map_gauges(METRIC_MAPPINGS, text, None);
    if let Some(millis) = gauges.remove(RUNTIME_MS) {
        gauges.insert(gauge::CPU.into(), millis / 1e3);
    }
    gauges
}
