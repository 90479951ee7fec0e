//! Messages of queues, of which one subscriber in the cluster gets each.

use serde::{Deserialize, Serialize};

/// A message of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueueMessage {
    /// The headers that its sender set.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The answer of the node that stores a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum QueueSendResult {
    Accepted,
    /// A bound of the queue or of the node is reached.
    Full,
}

/// The end of one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Settlement {
    /// The subscriber has handled the message.
    Acked,
    /// The subscriber rejected the message, or ended with it.
    Rejected,
    /// No subscriber got the message.
    Undelivered,
}

impl QueueMessage {
    /// Returns the bytes that the message takes.
    #[cfg(feature = "stomp")]
    pub(crate) fn size(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
        // An empty message costs its place in the queue.
        headers + self.body.len() + size_of::<Self>()
    }
}
