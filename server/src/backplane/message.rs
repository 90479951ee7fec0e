//! The messages that a node receives from the backplane.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::id::{NodeId, Topic};

/// The largest payload that any backplane must carry, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;

/// A message that arrived from another node.
#[derive(Debug)]
pub enum Inbound {
    /// A message that needs no response.
    Message {
        /// The node that sent it.
        from: NodeId,
        /// The bytes that were sent.
        payload: Bytes,
    },
    /// A request. The node answers it with [`Backplane::reply`](super::Backplane::reply)
    /// or passes it on with [`Backplane::forward`](super::Backplane::forward).
    Request {
        /// The node that sent it to this one: the requester, or a node that forwarded it.
        from: NodeId,
        /// The address of the requester.
        reply_to: ReplyTo,
        /// The bytes that were sent.
        payload: Bytes,
    },
    /// A message that was published on a topic of this node's subscriptions.
    Published {
        /// The topic.
        topic: Topic,
        /// The bytes that were published.
        payload: Bytes,
    },
}

/// The address of a pending request. It may travel inside messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTo {
    /// The requester.
    pub node: NodeId,
    /// The requester's number for the request.
    pub correlation: u64,
}
