//! The protocol of a socket that does not belong to a device.

use bytes::Bytes;

use crate::{limits::NodeLimits, message::TopicMessage, net::ws::close::CloseReason};

/// The part of a session that its protocol decides. Sessions of devices have none.
pub(crate) trait SocketProtocol: Send + Sync {
    /// Returns the frames of a topic's message; `None` if the client gets none.
    fn encode(&self, message: &TopicMessage) -> Option<Bytes>;

    /// Returns the frame that precedes a close by which the client is to connect elsewhere.
    fn goaway(&self) -> Bytes;

    /// Whether a request of the client is in flight.
    fn is_busy(&self) -> bool;

    /// Checks the client's signs of life in second `now`, the last of which came in second
    /// `last_seen`.
    fn check_liveness(&self, last_seen: u32, now: u32, limits: &NodeLimits) -> Liveness;
}

/// The result of a check. The frame goes to the client.
pub(crate) enum Liveness {
    /// The client is there. The next check is due in second `next`.
    Alive { next: u32, frame: Option<Bytes> },
    /// The session closes.
    Ended {
        reason: CloseReason,
        frame: Option<Bytes>,
    },
}
