//! What goes through a broker: a header, then an opaque payload.

use serde::{Deserialize, Serialize};

use crate::{backplane::envelope::Envelope, id::NodeId};

/// In front of every frame.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FrameHeader {
    pub(super) from: NodeId,
    /// The sender's `joined`: a frame of a seat that is no more is dropped.
    pub(super) generation: u64,
    pub(super) body: FrameBody,
}

/// What the payload is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FrameBody {
    /// None: the sender is alive and goes by the roster of that version.
    Heartbeat {
        version: u64,
        /// The sender's own clock: when its beat comes back to it, it has heard
        /// whatever was said before.
        sent_us: u64,
    },
    /// For one node.
    Unicast(Envelope),
    /// Published on a topic.
    Published,
}
