//! The errors of sending and of requests.

use super::MAX_PAYLOAD_BYTES;
use crate::id::NodeId;

/// A reason why nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// This node has no connection to the backplane now.
    #[error("cannot send to the backplane: not connected")]
    Disconnected,
    /// The receiver is not in the current view.
    #[error("cannot send to node {0}: not a member of the cluster")]
    NotMember(NodeId),
    /// This node's own send queue is full.
    #[error("cannot send to the backplane: the send queue is full")]
    Full,
    /// The payload is longer than [`MAX_PAYLOAD_BYTES`].
    #[error("invalid payload of {0} bytes: expected at most {MAX_PAYLOAD_BYTES}")]
    TooLarge(usize),
}

/// A reason why a request has no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The request was never sent.
    #[error(transparent)]
    NotSent(#[from] SendError),
    /// The receiving node is leaving and has not processed the request. Another node
    /// may be asked.
    #[error("cannot get a response from node {0}: it is leaving and did not process the request")]
    Unprocessed(NodeId),
    /// The receiving node left before it responded. It may have processed the request.
    #[error("cannot get a response from node {0}: it left the cluster")]
    Left(NodeId),
    /// The connection to the backplane broke while the request was pending.
    #[error("cannot get a response: the connection to the backplane broke")]
    Disconnected,
    /// No response arrived in time.
    #[error("cannot get a response from node {at}: the deadline has passed")]
    Deadline {
        /// The node that last held the request, as far as this node knows.
        at: NodeId,
    },
}
