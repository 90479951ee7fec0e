//! The end of a delivery at the node of its subscriber.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::broker::Queues;
use crate::{
    backplane::ReplyTo,
    message::{ClusterResponse, QueueMessage, Settlement, encode},
};

/// A message that a subscriber has in hand. If it is dropped, the message is delivered again.
pub(crate) struct QueueDelivery {
    pub(crate) message: Arc<QueueMessage>,
    /// Whether a subscriber had the message before.
    pub(crate) is_redelivered: bool,
    pub(super) consumer: u64,
    pub(super) queue: Arc<str>,
    pub(super) queues: Arc<Queues>,
    /// `None` once it is settled.
    pub(super) settle_to: Option<SettleTo>,
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
            self.queues.release(&self.queue, self.consumer);
            settle_to.send(&self.queues, settlement);
        }
    }
}

impl Drop for QueueDelivery {
    fn drop(&mut self) {
        self.settle(Settlement::Rejected);
    }
}

impl SettleTo {
    pub(super) fn send(self, queues: &Queues, settlement: Settlement) {
        match self {
            // The wait has ended by its timeout.
            Self::Local(owner) => drop(owner.send(settlement)),
            Self::Remote(reply_to) => {
                let response = encode(&ClusterResponse::QueueSettled(settlement));
                // If it is lost, the message is delivered again after the timeout.
                let _ = queues.backplane.reply(&reply_to, response);
            }
        }
    }
}
