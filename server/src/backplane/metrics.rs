//! The export of the backplane's metrics.

use prometheus::{IntCounterVec, Opts, Registry};

use super::{Backplane, MessageKind};
use crate::metric::{counter_vec, expect_valid, register_counter, register_gauge, register_metric};

/// Registers the current values.
pub(crate) fn collect_metrics(backplane: &dyn Backplane, registry: &Registry) {
    let traffic = backplane.traffic();
    let by_direction_and_kind = |name, help| {
        let labels = ["direction", "kind"];
        expect_valid(IntCounterVec::new(Opts::new(name, help), &labels))
    };
    let messages = by_direction_and_kind(
        "highwater_backplane_messages_total",
        "Messages through the backplane, by direction and kind.",
    );
    let bytes = by_direction_and_kind(
        "highwater_backplane_bytes_total",
        "Bytes through the backplane, by direction and kind.",
    );
    for kind in MessageKind::ALL {
        let both = [
            ("sent", traffic.sent(kind)),
            ("received", traffic.received(kind)),
        ];
        for (direction, (count, size)) in both {
            let labels = [direction, kind.label()];
            messages.with_label_values(&labels).inc_by(count);
            bytes.with_label_values(&labels).inc_by(size);
        }
    }
    register_metric(registry, &messages);
    register_metric(registry, &bytes);
    let view = backplane.view().borrow().clone();
    register_gauge(
        registry,
        "highwater_backplane_connected",
        "Whether this process is connected to the backplane: 0 or 1.",
        Some(f64::from(u8::from(view.connected))),
    );
    register_gauge(
        registry,
        "highwater_backplane_members",
        "Nodes of the cluster, as this process last saw them.",
        Some(view.nodes().count() as f64),
    );
    let rejected = counter_vec(
        "highwater_backplane_rejected_total",
        "Messages that this process did not put on the backplane, by reason.",
        "reason",
    );
    let queue_full = rejected.with_label_values(&["queue_full"]);
    queue_full.inc_by(traffic.rejected.get());
    register_metric(registry, &rejected);
    collect_requests(backplane, registry);
    for (name, help, counter) in [
        (
            "highwater_backplane_reconnects_total",
            "Times this process joined the backplane again.",
            &traffic.reconnects,
        ),
        (
            "highwater_backplane_dropped_total",
            "Messages that arrived and were dropped because this process was too slow.",
            &traffic.dropped,
        ),
        (
            "highwater_backplane_evictions_total",
            "Silent members that this process removed.",
            &traffic.evicted,
        ),
        (
            "highwater_backplane_tables_rejected_total",
            "Stored membership tables that this process ignored: unsigned, or not readable.",
            &traffic.tables_rejected,
        ),
        (
            "highwater_backplane_inboxes_deleted_total",
            "Inboxes of ended connections that this process removed at the broker.",
            &traffic.inboxes_deleted,
        ),
    ] {
        register_counter(registry, name, help, Some(counter.get() as f64));
    }
}

/// Registers the requests to a broker that bills them. Another broker has no such metric.
fn collect_requests(backplane: &dyn Backplane, registry: &Registry) {
    let counts = backplane.traffic().requests.get();
    if counts.is_empty() {
        return;
    }
    let name = "highwater_backplane_billed_total";
    let help = "Requests and deliveries that the provider of the backplane bills, by service and operation.";
    let requests = expect_valid(IntCounterVec::new(
        Opts::new(name, help),
        &["service", "operation"],
    ));
    for ((service, operation), count) in &counts {
        requests
            .with_label_values(&[service, operation])
            .inc_by(*count);
    }
    register_metric(registry, &requests);
}
