//! RabbitMQ: the text of its Prometheus plugin.

use highwater_reports::record::names::gauge;

use super::super::{
    Gauges,
    prometheus::{Known, gauges_by, known},
};

/// Bytes that went through are told of each open connection alone, and so not
/// recorded: their sum falls when one closes.
const KNOWN: &[Known] = &[
    known(gauge::RSS, "rabbitmq_process_resident_memory_bytes"),
    known(gauge::OPEN_FILES, "rabbitmq_process_open_fds"),
    // Memory of the Erlang machine, by kind.
    known(gauge::HEAP, "erlang_vm_memory_bytes_total"),
    known(gauge::BROKER_CLIENTS, "rabbitmq_connections"),
    known(gauge::BROKER_CHANNELS, "rabbitmq_queues"),
    known(gauge::BROKER_BACKLOG, "rabbitmq_queue_messages"),
    // By protocol.
    known(gauge::BROKER_PUBLISHED, RECEIVED),
    known(gauge::BROKER_MESSAGES_IN, RECEIVED),
    known(
        gauge::BROKER_MESSAGES_OUT,
        "rabbitmq_global_messages_delivered_total",
    ),
    known(RUNTIME_MS, "erlang_vm_statistics_runtime_milliseconds"),
];

/// Messages that publishers sent.
const RECEIVED: &str = "rabbitmq_global_messages_received_total";

/// CPU time of the Erlang machine, in milliseconds; recorded in seconds.
const RUNTIME_MS: &str = "runtime_ms";

/// The gauges in the text.
pub(super) fn gauges(text: &str) -> Gauges {
    let mut gauges = gauges_by(KNOWN, text, None);
    if let Some(millis) = gauges.remove(RUNTIME_MS) {
        gauges.insert(gauge::CPU.into(), millis / 1e3);
    }
    gauges
}
