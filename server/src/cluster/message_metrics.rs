//! The counters of topic messages.

use prometheus::{IntCounter, IntCounterVec, Registry};

use crate::metric::{counter, counter_vec, register_metric};

/// The counters of the messages of all topics at this node.
pub(crate) struct MessageMetrics {
    pub(crate) published_by_http: IntCounter,
    pub(crate) published_by_devices: IntCounter,
    pub(crate) published_by_stomp: IntCounter,
    pub(crate) rejected_full: IntCounter,
    pub(crate) rejected_backplane: IntCounter,
    pub(crate) rejected_rate: IntCounter,
    pub(crate) dropped_full: IntCounter,
    delivered: IntCounter,
    dropped_slow: IntCounter,
    /// The registered families. The counters above are children of these.
    families: [IntCounterVec; 3],
}

impl MessageMetrics {
    pub(super) fn new() -> Self {
        let published = counter_vec(
            "highwater_messages_published_total",
            "Topic messages that this node took, by who sent them.",
            "from",
        );
        let rejected = counter_vec(
            "highwater_messages_rejected_total",
            "Topic messages that this node rejected, by reason; nobody got them.",
            "reason",
        );
        let dropped = counter_vec(
            "highwater_messages_dropped_total",
            "Topic messages not delivered here: of another node (topic_full), or to one device (slow_consumer).",
            "reason",
        );
        // Children exist from the start, at zero: a rate needs a first value.
        Self {
            published_by_http: published.with_label_values(&["rest"]),
            published_by_devices: published.with_label_values(&["device"]),
            published_by_stomp: published.with_label_values(&["stomp"]),
            rejected_full: rejected.with_label_values(&["topic_full"]),
            rejected_backplane: rejected.with_label_values(&["backplane"]),
            rejected_rate: rejected.with_label_values(&["rate_limited"]),
            dropped_full: dropped.with_label_values(&["topic_full"]),
            dropped_slow: dropped.with_label_values(&["slow_consumer"]),
            delivered: counter(
                "highwater_messages_delivered_total",
                "Topic messages handed to devices of this node, once for each device.",
            ),
            families: [published, rejected, dropped],
        }
    }

    pub(crate) fn register(&self, registry: &Registry) {
        for family in &self.families {
            register_metric(registry, family);
        }
        register_metric(registry, &self.delivered);
    }

    /// Counts a message that was queued for some devices and dropped at slow ones.
    pub(crate) fn record_fan_out(&self, delivered: u64, slow: u64) {
        self.delivered.inc_by(delivered);
        self.dropped_slow.inc_by(slow);
    }
}
