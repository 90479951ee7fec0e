//! The counters of queues.

use prometheus::{IntCounter, IntCounterVec, Registry};

use crate::metric::{counter, counter_vec, register_metric};

/// The counters of the queues that this node stores.
pub(crate) struct QueueMetrics {
    pub(super) accepted: IntCounter,
    pub(super) rejected: IntCounter,
    pub(super) acked: IntCounter,
    pub(super) redelivered: IntCounter,
    pub(super) dropped_rejected: IntCounter,
    pub(super) dropped_expired: IntCounter,
    dropped: IntCounterVec,
}

impl QueueMetrics {
    pub(super) fn new() -> Self {
        let dropped = counter_vec(
            "highwater_queue_messages_dropped_total",
            "Messages of queues dropped here, by reason: rejected too often, or expired.",
            "reason",
        );
        // Children exist from the start, at zero: a rate needs a first value.
        Self {
            accepted: counter(
                "highwater_queue_messages_accepted_total",
                "Messages of queues that this node stored.",
            ),
            rejected: counter(
                "highwater_queue_messages_rejected_total",
                "Messages of queues that this node did not store, because a bound was reached.",
            ),
            acked: counter(
                "highwater_queue_messages_acked_total",
                "Messages of queues stored here that a subscriber has handled.",
            ),
            redelivered: counter(
                "highwater_queue_messages_redelivered_total",
                "Deliveries that were rejected, or lost with their subscriber.",
            ),
            dropped_rejected: dropped.with_label_values(&["rejected"]),
            dropped_expired: dropped.with_label_values(&["expired"]),
            dropped,
        }
    }

    pub(crate) fn register(&self, registry: &Registry) {
        register_metric(registry, &self.accepted);
        register_metric(registry, &self.rejected);
        register_metric(registry, &self.acked);
        register_metric(registry, &self.redelivered);
        register_metric(registry, &self.dropped);
    }
}
