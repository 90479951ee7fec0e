//! The counters of topic messages.

use prometheus::{IntCounter, IntCounterVec, Registry};

use crate::metric::{counter, counter_vec, register_metric};

/// The counters of the messages of all topics at this node.
pub(crate) struct MessageMetrics {
    pub(crate) published_by_http: IntCounter,
    pub(crate) published_by_devices: IntCounter,
    pub(crate) rejected_full: IntCounter,
    pub(crate) rejected_backplane: IntCounter,
    pub(crate) rejected_rate: IntCounter,
    pub(crate) dropped_full: IntCounter,
    delivered: IntCounter,
    dropped_slow: IntCounter,
    families: MessageFamilies,
}

/// The registered families. The counters above are children of these.
struct MessageFamilies {
    published: IntCounterVec,
    rejected: IntCounterVec,
    dropped: IntCounterVec,
}

impl MessageMetrics {
    pub(super) fn new() -> Self {
        let families = MessageFamilies {
            published: counter_vec(
                "highwater_messages_published_total",
                "Topic messages that this node took, by who sent them.",
                "from",
            ),
            rejected: counter_vec(
                "highwater_messages_rejected_total",
                "Topic messages that this node rejected, by reason; nobody got them.",
                "reason",
            ),
            dropped: counter_vec(
                "highwater_messages_dropped_total",
                "Topic messages not delivered here: of another node (topic_full), or to one device (slow_consumer).",
                "reason",
            ),
        };
        Self {
            published_by_http: families.published.with_label_values(&["rest"]),
            published_by_devices: families.published.with_label_values(&["device"]),
            rejected_full: families.rejected.with_label_values(&["topic_full"]),
            rejected_backplane: families.rejected.with_label_values(&["backplane"]),
            rejected_rate: families.rejected.with_label_values(&["rate_limited"]),
            dropped_full: families.dropped.with_label_values(&["topic_full"]),
            dropped_slow: families.dropped.with_label_values(&["slow_consumer"]),
            delivered: counter(
                "highwater_messages_delivered_total",
                "Topic messages handed to devices of this node, once for each device.",
            ),
            families,
        }
    }

    pub(crate) fn register(&self, registry: &Registry) {
        register_metric(registry, &self.families.published);
        register_metric(registry, &self.families.rejected);
        register_metric(registry, &self.families.dropped);
        register_metric(registry, &self.delivered);
    }

    /// Counts a message that was queued for some devices and dropped at slow ones.
    pub(crate) fn record_fan_out(&self, delivered: u64, slow: u64) {
        self.delivered.inc_by(delivered);
        if slow > 0 {
            self.dropped_slow.inc_by(slow);
        }
    }
}
