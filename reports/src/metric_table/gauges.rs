//! The gauges of a record, each described once.

use super::description::{RecordMetric, RecordUnit, SeriesKind};
use crate::record::names::gauge;

use RecordUnit::{Bytes, Count, Micros, Seconds};
use SeriesKind::{Gauge, Total};

/// All gauges: name, kind, unit, meaning.
#[rustfmt::skip]
pub(super) static GAUGES: &[RecordMetric] = &[
    alone(gauge::SOCKETS_WANTED, Gauge, Count, "sockets that the plan wants open by now"),
    alone(gauge::SOCKETS_OPEN, Gauge, Count, "open sockets: of a client as its worker counts, of a node as the server does"),
    alone(gauge::SOCKETS_ACCEPTED, Total, Count, "sockets that a node accepted since it started"),
    alone(gauge::HEARTBEATS_PENDING, Gauge, Count, "heartbeats without an answer yet"),
    alone(gauge::COMMANDS_IN_FLIGHT, Gauge, Count, "commands without an answer yet"),
    alone(gauge::EXCHANGES_IN_FLIGHT, Gauge, Count, "messages of devices without an answer yet"),
    alone(gauge::MESSAGES_IN_FLIGHT, Gauge, Count, "messages whose publication has no answer yet"),
    alone(gauge::RSS, Gauge, Bytes, "resident memory of the process"),
    alone(gauge::HEAP, Gauge, Bytes, "live bytes of the process's allocator"),
    alone(gauge::OPEN_FILES, Gauge, Count, "open file descriptors of the process"),
    alone(gauge::CPU, Total, Seconds, "CPU time since the process started"),
    alone(gauge::STARTED_AT, Gauge, Seconds, "start time of the process in seconds since 1970; a change is a restart"),
    alone(gauge::UP, Gauge, Count, "1 while the process answers, 0 while it does not"),
    alone(gauge::CLOCK_OFFSET_US, Gauge, Micros, "time by which the coordinator's clock is ahead of a worker's"),
    alone(gauge::CLOCK_BOUND_US, Gauge, Micros, "most by which that offset may be wrong"),
    alone(gauge::TELEMETRY_PENDING, Gauge, Count, "telemetry records without an answer yet"),
    alone(gauge::TELEMETRY_ANSWERED, Total, Count, "telemetry records that a node accepted or rejected since it started"),
    alone(gauge::TELEMETRY_ACCEPTED, Total, Count, "telemetry records that a node accepted since it started"),
    alone(gauge::TELEMETRY_HANDLED, Total, Count, "telemetry records that a consumer handled since it started"),
    alone(gauge::BACKPLANE_SENT, Total, Count, "messages that a node sent over the backplane since it started"),
    alone(gauge::BACKPLANE_RECEIVED, Total, Count, "messages that a node received over the backplane since it started"),
    alone(gauge::BILLED, Total, Count, "requests and deliveries that the backplane's provider bills to a node, since it started"),
    by("operation", gauge::BILLED, Total, Count, "requests and deliveries that the backplane's provider bills to a node, since it started"),
    alone(gauge::BROKER_CLIENTS, Gauge, Count, "connections of a broker, including the sampler's where it has one"),
    alone(gauge::BROKER_CHANNELS, Gauge, Count, "channels (Redis), subscriptions (NATS), queues (RabbitMQ) or groups (Kafka) of a broker"),
    alone(gauge::BROKER_BACKLOG, Gauge, Count, "messages that wait in the queues of a broker"),
    alone(gauge::BROKER_PUBLISHED, Total, Count, "messages that clients published at a broker since it started, by its own count"),
    alone(gauge::BROKER_MESSAGES_IN, Total, Count, "messages that a broker received since it started; commands of any kind for Redis"),
    alone(gauge::BROKER_MESSAGES_OUT, Total, Count, "messages that a broker sent since it started"),
    alone(gauge::BROKER_BYTES_IN, Total, Bytes, "bytes that a broker received since it started"),
    alone(gauge::BROKER_BYTES_OUT, Total, Bytes, "bytes that a broker sent since it started"),
    alone(gauge::BROKER_SLOW_CONSUMERS, Total, Count, "clients that a broker disconnected because they did not keep up"),
    alone(gauge::BACKPLANE_MEMBERS, Gauge, Count, "nodes that a node sees on its backplane, including itself"),
    alone(gauge::BALANCER_SOCKETS, Gauge, Count, "sockets that a balancer forwards, by its own count"),
    alone(gauge::BALANCER_PENDING, Gauge, Count, "sockets that a balancer assigned to a node and that are not open yet"),
    by("node", gauge::BALANCER_SOCKETS_BY_NODE, Gauge, Count, "sockets that a balancer forwards to a node"),
    by("node", gauge::BALANCER_NODE_UP, Gauge, Count, "1 while a balancer assigns new sockets to a node, 0 while it does not"),
    alone(gauge::UNICASTS_SENT, Total, Count, "messages to a single node that a node sent since it started"),
    alone(gauge::UNICASTS_RECEIVED, Total, Count, "messages to a single node that a node received since it started"),
    alone(gauge::TOPICS_SENT, Total, Count, "topic messages that a node sent over the backplane since it started"),
    alone(gauge::TOPICS_RECEIVED, Total, Count, "topic messages that a node received over the backplane since it started"),
    alone(gauge::COMMANDS_TAKEN, Total, Count, "commands that a node accepted since it started, whatever their outcome"),
    alone(gauge::COMMANDS_ANSWERED, Total, Count, "commands that a node answered with a reply since it started"),
    alone(gauge::PINGS_RECEIVED, Total, Count, "pings that a node received since it started"),
    alone(gauge::PONGS_SENT, Total, Count, "pongs that a node sent since it started"),
    alone(gauge::MESSAGES_TAKEN, Total, Count, "topic messages that a node accepted from publishers since it started"),
    alone(gauge::MESSAGES_HANDED_OUT, Total, Count, "topic messages that a node sent to devices since it started, one for each device"),
    alone(gauge::CGROUP_MEMORY_PEAK, Gauge, Bytes, "most memory that a control group has had, with the pages of files"),
    alone(gauge::CGROUP_ANON, Gauge, Bytes, "anonymous memory of a control group"),
    alone(gauge::CGROUP_THROTTLED, Total, Seconds, "time for which tasks of a control group waited because its CPU quota was used up, since the group was made"),
    alone(gauge::CGROUP_PIDS, Gauge, Count, "processes and threads in a control group"),
    alone(gauge::CGROUP_CPU_PRESSURE, Total, Seconds, "time for which a task of a control group waited for a CPU, since the group was made"),
    alone(gauge::CGROUP_MEMORY_PRESSURE, Total, Seconds, "time for which a task of a control group waited for memory, since the group was made"),
    alone(gauge::CGROUP_IO_PRESSURE, Total, Seconds, "time for which a task of a control group waited for a disk, since the group was made"),
    by("metric", gauge::OBSERVED, Gauge, Count, "metric that the scenario names"),
    by("metric", gauge::OBSERVED_TOTAL, Total, Count, "count that the scenario names, since the process started"),
    alone(gauge::KERNEL_SLAB, Gauge, Bytes, "kernel slab memory"),
    alone(gauge::KERNEL_TCP, Gauge, Bytes, "kernel memory in TCP buffers"),
    alone(gauge::MEMORY_AVAILABLE, Gauge, Bytes, "available memory"),
    alone(gauge::HOST_CPU, Total, Seconds, "CPU time of all processes since boot"),
];

const fn alone(
    name: &'static str,
    kind: SeriesKind,
    unit: RecordUnit,
    about: &'static str,
) -> RecordMetric {
    RecordMetric {
        name,
        kind,
        unit,
        label: None,
        about,
    }
}

/// A gauge whose name goes on with a node, a metric or an operation.
const fn by(
    label: &'static str,
    name: &'static str,
    kind: SeriesKind,
    unit: RecordUnit,
    about: &'static str,
) -> RecordMetric {
    RecordMetric {
        label: Some(label),
        ..alone(name, kind, unit, about)
    }
}
