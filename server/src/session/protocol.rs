//! The protocol of a socket that does not belong to a device.

use bytes::Bytes;

use super::Session;
use crate::{limits::NodeLimits, message::TopicMessage};

/// The part of a session that its protocol decides. Sessions of devices have none.
pub(crate) trait SocketProtocol: Send + Sync {
    /// Returns the frames of a topic's message; `None` if the client gets none.
    fn encode(&self, message: &TopicMessage) -> Option<Bytes>;

    /// Returns the frame that precedes a close by which the client is to connect elsewhere.
    fn goaway(&self) -> Bytes;

    /// Whether a request of the client is in flight.
    fn is_busy(&self) -> bool;

    /// Checks the client's signs of life in second `now`, the last of which came in second
    /// `last_seen`. Returns the second of the next check, or closes the session and returns
    /// `None`.
    fn check_liveness(
        &self,
        session: &Session,
        last_seen: u32,
        now: u32,
        limits: &NodeLimits,
    ) -> Option<u32>;
}
