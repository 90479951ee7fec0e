//! The operations that wait for the connection to the broker.

use bytes::Bytes;

use super::frame::{FrameBody, FrameHeader};
use crate::{
    backplane::{
        Member,
        endpoint::Outbound,
        envelope::{Envelope, encode_frame},
    },
    id::{NodeId, Topic},
    net::bounded_queue::ByteSize,
};

/// An operation that waits for the broker. Its frame is encoded in the task that sends
/// it, so that the one task of the connection has less to do.
#[derive(Debug)]
pub(super) enum OutboundOp {
    /// A frame for one member. The connection looks up the inbox, because only it knows
    /// the membership table; the frame is dropped if the generation has ended.
    Unicast {
        to: NodeId,
        generation: u64,
        frame: Bytes,
    },
    /// A frame for the subscribers of a topic.
    Publish { topic: Topic, frame: Bytes },
    /// A subscription to a topic, or its end.
    Subscription { topic: Topic, is_wanted: bool },
}

impl Outbound for OutboundOp {
    fn unicast(from: &Member, to: &Member, envelope: &Envelope, payload: &[u8]) -> Self {
        Self::Unicast {
            to: to.id.clone(),
            generation: to.generation,
            frame: frame(from, FrameBody::Unicast(envelope.clone()), payload),
        }
    }

    fn publish(from: &Member, topic: &Topic, payload: &[u8]) -> Self {
        Self::Publish {
            topic: topic.clone(),
            frame: frame(from, FrameBody::Published, payload),
        }
    }

    fn subscription(topic: &Topic, is_wanted: bool) -> Self {
        Self::Subscription {
            topic: topic.clone(),
            is_wanted,
        }
    }

    fn traffic_bytes(&self) -> usize {
        match self {
            Self::Unicast { frame, .. } | Self::Publish { frame, .. } => frame.len(),
            Self::Subscription { topic, .. } => topic.as_str().len(),
        }
    }
}

fn frame(from: &Member, body: FrameBody, payload: &[u8]) -> Bytes {
    let header = FrameHeader {
        from: from.id.clone(),
        generation: from.generation,
        body,
    };
    encode_frame(&header, payload)
}

impl ByteSize for OutboundOp {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Unicast { frame, .. } | Self::Publish { frame, .. } => frame.len(),
            // Weightless, so that a backlog of messages does not keep topics out.
            Self::Subscription { .. } => 0,
        }
    }
}
