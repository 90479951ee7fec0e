//! The end of a delivery at the node of its subscriber.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::{
    backplane::ReplyTo,
    message::{QueueMessage, Settlement},
};

/// A message that a subscriber has in hand. If it is dropped, the message is delivered again.
pub(crate) struct QueueDelivery {
    pub(crate) message: Arc<QueueMessage>,
    /// Whether a subscriber had the message before.
    pub(crate) is_redelivered: bool,
    pub(super) consumer: u64,
    pub(super) queue: Arc<str>,
    pub(super) queues: Arc<dyn SettleDelivery>,
    /// `None` once it is settled.
    pub(super) settle_to: Option<SettleTo>,
}

/// The queues of this node, which end a delivery.
pub(super) trait SettleDelivery: Send + Sync {
    /// Ends the delivery of a message to a subscriber of this node.
    fn settle(&self, queue: &str, consumer: u64, settle_to: SettleTo, settlement: Settlement);
}

/// The node that waits for a settlement.
pub(super) enum SettleTo {
    Local(oneshot::Sender<Settlement>),
    Remote(ReplyTo),
}

impl QueueDelivery {
    /// Ends the delivery: the subscriber has handled the message.
    pub(crate) fn ack(mut self) {
        self.settle(Settlement::Acked);
    }

    /// Ends the delivery: another subscriber is to get the message.
    pub(crate) fn reject(mut self) {
        self.settle(Settlement::Rejected);
    }

    fn settle(&mut self, settlement: Settlement) {
        if let Some(settle_to) = self.settle_to.take() {
            let (queue, consumer) = (&self.queue, self.consumer);
            self.queues.settle(queue, consumer, settle_to, settlement);
        }
    }
}

impl Drop for QueueDelivery {
    fn drop(&mut self) {
        self.settle(Settlement::Rejected);
    }
}
