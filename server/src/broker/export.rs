//! The page of `GET /metrics`: the counters, and gauges that are read at each scrape.

use prometheus::{GaugeVec, Opts, Registry};

use super::{admission::ConnectionKind, server::BrokerServer};
use crate::{
    backplane::MemberRole,
    metric::{
        self, collect_process, expect_valid, register_counter, register_gauge, register_metric,
    },
};

/// Returns the broker's metrics in the Prometheus text format.
pub(super) fn encode(broker: &BrokerServer) -> String {
    let collected = Registry::new();
    collect_connections(&broker.admission.kinds(), &collected);
    collect_hub(broker, &collected);
    collect_queues(broker, &collected);
    collect_work_queue(broker, &collected);
    let heap = broker.config.heap_probe.and_then(|probe| probe());
    let dropped = broker.config.dropped_log_lines.map(|probe| probe());
    collect_process(heap, dropped, &collected);
    let mut families = broker.metrics.gather();
    families.extend(collected.gather());
    metric::encode_text(&families)
}

fn collect_connections(kinds: &[ConnectionKind], registry: &Registry) {
    let open = gauges(
        "highwater_broker_connections",
        "Open connections, by kind: in their handshake, of consumers and operators, and of nodes and gateways.",
        "kind",
    );
    let limits = gauges(
        "highwater_broker_connections_limit",
        "Most connections of each kind; nodes and gateways may use what the others leave free.",
        "kind",
    );
    for kind in kinds {
        open.with_label_values(&[kind.name]).set(kind.open as f64);
        if let Some(max) = kind.max {
            limits.with_label_values(&[kind.name]).set(max as f64);
        }
    }
    register_metric(registry, &open);
    register_metric(registry, &limits);
}

fn collect_hub(broker: &BrokerServer, registry: &Registry) {
    let members = gauges(
        "highwater_broker_members",
        "Members of the cluster that are connected, by role.",
        "role",
    );
    let hub = broker.hub.lock();
    for (label, role) in [("node", MemberRole::Node), ("gateway", MemberRole::Gateway)] {
        let count = hub.member_count(role) as f64;
        members.with_label_values(&[label]).set(count);
    }
    register_metric(registry, &members);
    let subscriptions = hub.subscriptions();
    register_gauge(
        registry,
        "highwater_broker_topics",
        "Topics that at least one member subscribes to.",
        Some(subscriptions.topic_count() as f64),
    );
    register_gauge(
        registry,
        "highwater_broker_subscriptions",
        "Subscriptions of all members to topics.",
        Some(subscriptions.count() as f64),
    );
}

fn collect_queues(broker: &BrokerServer, registry: &Registry) {
    let (queues, partial) = (&broker.queues, &broker.partial_frames);
    for (name, help, value) in [
        (
            "highwater_broker_queued_bytes",
            "Bytes of frames that wait for peers.",
            queues.queued(),
        ),
        (
            "highwater_broker_queued_bytes_limit",
            "Most bytes that may wait for all peers before the slowest is closed.",
            queues.limit_bytes(),
        ),
        (
            "highwater_broker_partial_frame_bytes",
            "Bytes of frames that peers have not finished sending.",
            partial.held_bytes(),
        ),
    ] {
        register_gauge(registry, name, help, Some(value as f64));
    }
    for (name, help, value) in [
        (
            "highwater_broker_frames_dropped_total",
            "Frames dropped because the queue of their receiver was full or closed.",
            queues.rejected(),
        ),
        (
            "highwater_broker_slow_peers_closed_total",
            "Peers closed as the slowest, because the queues of all were full.",
            queues.closed_peers(),
        ),
        (
            "highwater_broker_partial_frames_rejected_total",
            "Connections ended because unfinished frames had no room.",
            partial.rejected(),
        ),
    ] {
        register_counter(registry, name, help, Some(value as f64));
    }
}

fn collect_work_queue(broker: &BrokerServer, registry: &Registry) {
    let sizes = broker.work_queue.lock().sizes();
    for (name, help, value) in [
        (
            "highwater_broker_consumer_groups",
            "Consumer groups of telemetry.",
            sizes.groups,
        ),
        (
            "highwater_broker_telemetry_records",
            "Telemetry records that a group has not handled yet.",
            sizes.records,
        ),
        (
            "highwater_broker_telemetry_bytes",
            "Bytes of the telemetry records that a group has not handled yet.",
            sizes.bytes,
        ),
    ] {
        register_gauge(registry, name, help, Some(value as f64));
    }
}

fn gauges(name: &str, help: &str, label: &str) -> GaugeVec {
    expect_valid(GaugeVec::new(Opts::new(name, help), &[label]))
}
