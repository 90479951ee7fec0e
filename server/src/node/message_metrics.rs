//! Counters of topic messages.

use prometheus::{IntCounter, IntCounterVec, Registry};

use crate::metric::{add, counter, counters};

/// What became of messages at this node.
pub(crate) struct MessageMetrics {
    pub(crate) published_by_callers: IntCounter,
    pub(crate) published_by_devices: IntCounter,
    pub(crate) refused_full: IntCounter,
    pub(crate) refused_backplane: IntCounter,
    pub(crate) refused_rate: IntCounter,
    pub(crate) dropped_full: IntCounter,
    delivered: IntCounter,
    dropped_slow: IntCounter,
    families: Families,
}

/// What is registered: the counters above are some of their children.
struct Families {
    published: IntCounterVec,
    refused: IntCounterVec,
    dropped: IntCounterVec,
}

impl MessageMetrics {
    pub(super) fn new() -> Self {
        let families = Families {
            published: counters(
                "highwater_messages_published_total",
                "Topic messages that this node took, by who sent them.",
                "from",
            ),
            refused: counters(
                "highwater_messages_refused_total",
                "Topic messages that this node refused, by reason; nobody got them.",
                "reason",
            ),
            dropped: counters(
                "highwater_messages_dropped_total",
                "Topic messages not delivered here: of another node (topic-full), or to one device (slow-consumer).",
                "reason",
            ),
        };
        Self {
            published_by_callers: families.published.with_label_values(&["rest"]),
            published_by_devices: families.published.with_label_values(&["device"]),
            refused_full: families.refused.with_label_values(&["topic-full"]),
            refused_backplane: families.refused.with_label_values(&["backplane"]),
            refused_rate: families.refused.with_label_values(&["rate"]),
            dropped_full: families.dropped.with_label_values(&["topic-full"]),
            dropped_slow: families.dropped.with_label_values(&["slow-consumer"]),
            delivered: counter(
                "highwater_messages_delivered_total",
                "Topic messages handed to devices of this node, once for each device.",
            ),
            families,
        }
    }

    pub(super) fn register(&self, registry: &Registry) {
        add(registry, &self.families.published);
        add(registry, &self.families.refused);
        add(registry, &self.families.dropped);
        add(registry, &self.delivered);
    }

    /// Some devices were handed a message, others were too slow for it.
    pub(crate) fn handed_out(&self, delivered: u64, slow: u64) {
        self.delivered.inc_by(delivered);
        if slow > 0 {
            self.dropped_slow.inc_by(slow);
        }
    }
}
