//! The queue of operations that wait for the connection to the broker.

use bytes::Bytes;

use super::frame::{FrameBody, FrameHeader};
use crate::{
    backplane::{
        Member,
        endpoint::{Enqueued, Outbound},
        envelope::Envelope,
    },
    id::{NodeId, Topic},
    net::bounded_queue::{self, BoundedReceiver, BoundedSender, ByteSize},
};

/// The operations that may wait for the broker; further ones are rejected.
const MAX_QUEUED_OPS: usize = 8192;
/// The bytes that may wait for the broker; further ones are rejected.
const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;

/// An operation that waits for the broker.
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
    Publish {
        topic: Topic,
        frame: Bytes,
    },
    Subscribe(Topic),
    Unsubscribe(Topic),
}

/// The queue to the broker. Frames are encoded here, in the task that sends them, so
/// that the one task of the connection has less to do.
pub(super) struct SendQueue {
    ops: BoundedSender<OutboundOp>,
}

impl SendQueue {
    pub(super) fn new() -> (Self, BoundedReceiver<OutboundOp>) {
        let (ops, receiver) = bounded_queue::channel(MAX_QUEUED_OPS, MAX_QUEUED_BYTES);
        (Self { ops }, receiver)
    }

    fn push(&self, bytes: usize, op: OutboundOp) -> Enqueued {
        self.ops.push(op).map(|()| bytes)
    }
}

impl Outbound for SendQueue {
    fn unicast(&self, from: &Member, to: &Member, envelope: &Envelope, payload: &[u8]) -> Enqueued {
        let frame = header(from, FrameBody::Unicast(envelope.clone())).encode(payload);
        let bytes = frame.len();
        let op = OutboundOp::Unicast {
            to: to.id.clone(),
            generation: to.generation,
            frame,
        };
        self.push(bytes, op)
    }

    fn publish(&self, from: &Member, topic: &Topic, payload: &[u8]) -> Enqueued {
        let frame = header(from, FrameBody::Published).encode(payload);
        let bytes = frame.len();
        let topic = topic.clone();
        self.push(bytes, OutboundOp::Publish { topic, frame })
    }

    fn subscribe(&self, topic: &Topic) -> Enqueued {
        let bytes = topic.as_str().len();
        self.push(bytes, OutboundOp::Subscribe(topic.clone()))
    }

    fn unsubscribe(&self, topic: &Topic) -> Enqueued {
        let bytes = topic.as_str().len();
        self.push(bytes, OutboundOp::Unsubscribe(topic.clone()))
    }
}

fn header(from: &Member, body: FrameBody) -> FrameHeader {
    FrameHeader {
        from: from.id.clone(),
        generation: from.generation,
        body,
    }
}

impl ByteSize for OutboundOp {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Unicast { frame, .. } | Self::Publish { frame, .. } => frame.len(),
            // Weightless, so that a backlog of messages does not keep topics out.
            Self::Subscribe(_) | Self::Unsubscribe(_) => 0,
        }
    }
}
