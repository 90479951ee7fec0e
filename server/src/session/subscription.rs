//! The subscriptions of a session to topics.

use crate::id::Topic;

/// A topic that a device subscribes to, and its slot there.
pub(crate) struct TopicSubscription {
    pub(crate) topic: Topic,
    pub(crate) slot: SubscriptionSlot,
}

/// The position of a subscriber among the subscribers of a topic on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SubscriptionSlot {
    pub(crate) shard: u32,
    pub(crate) index: u32,
}
