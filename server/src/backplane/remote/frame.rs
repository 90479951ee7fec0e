//! The frames that go through a broker: a header, then an opaque payload.

use serde::{Deserialize, Serialize};

use crate::{backplane::envelope::Envelope, id::NodeId};

/// The header of every frame.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FrameHeader {
    pub(super) from: NodeId,
    /// The sender's generation. Receivers drop a frame of a generation that has ended.
    pub(super) generation: u64,
    pub(super) body: FrameBody,
}

/// The meaning of a frame's payload.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FrameBody {
    /// A sign of life, without a payload.
    Heartbeat {
        /// The version of the sender's membership table.
        version: u64,
        /// The sender's own clock, in microseconds. When its heartbeat returns to it, it
        /// has received whatever was sent before that instant.
        sent_us: u64,
    },
    /// A message to one node.
    Unicast(Envelope),
    /// A message that was published on a topic.
    Published,
}
