//! The subscriptions of a session, and the messages that it has in hand.

use highwater_stomp::AckMode;

use crate::{cluster::queues::QueueDelivery, id::Topic};

/// A subscription of a client.
pub(super) struct StompSubscription {
    /// A number that no other subscription of the session has or had.
    pub(super) key: u64,
    /// The client's name for it.
    pub(super) id: Box<str>,
    pub(super) destination: Box<str>,
    pub(super) ack: AckMode,
    pub(super) source: SubscribedSource,
}

/// The source of a subscription's messages.
pub(super) enum SubscribedSource {
    Topic(Topic),
    Queue {
        name: Box<str>,
        /// The subscriber's id among those of the queue.
        consumer: u64,
    },
}

/// A message of a queue that the client has not acknowledged.
pub(super) struct UnackedMessage {
    pub(super) number: u64,
    /// The subscription.
    pub(super) key: u64,
    pub(super) delivery: QueueDelivery,
}
