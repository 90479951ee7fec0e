//! The way to the broker: frames are sealed here and wait for the one task that
//! sends them.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;

use super::{
    Destination, OutboundFrame,
    frame::{FrameBody, FrameHeader},
    membership_table::MembershipTable,
};
use crate::{
    backplane::{
        Member,
        endpoint::{Enqueued, Outbound},
        envelope::{Envelope, encode_frame},
    },
    id::{NodeId, Topic},
    net::bounded_queue::{self, ByteSize},
};

/// Jobs that may wait for the broker; more are refused.
const MAX_QUEUED_OPS: usize = 8192;
/// Bytes that may wait for the broker; more are refused.
const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;

/// What waits for the broker.
#[derive(Debug)]
pub(super) enum OutboundOp {
    Send(OutboundFrame),
    Subscribe(Topic),
    Unsubscribe(Topic),
}

/// The queue to the broker, and what frames are addressed by.
pub(super) struct SendQueue {
    me: NodeId,
    ops: bounded_queue::BoundedSender<OutboundOp>,
    membership: RwLock<Arc<MembershipSnapshot>>,
}

/// Where this node stands: the roster it goes by, and its own seat's number.
pub(super) struct MembershipSnapshot {
    pub(super) table: MembershipTable,
    pub(super) generation: u64,
}

impl SendQueue {
    pub(super) fn new(me: NodeId) -> (Self, bounded_queue::BoundedReceiver<OutboundOp>) {
        let (jobs, queue) = bounded_queue::channel(MAX_QUEUED_OPS, MAX_QUEUED_BYTES);
        let standing = MembershipSnapshot {
            table: MembershipTable::new(),
            generation: 0,
        };
        let road = Self {
            me,
            ops: jobs,
            membership: RwLock::new(Arc::new(standing)),
        };
        (road, queue)
    }

    pub(super) fn membership(&self) -> Arc<MembershipSnapshot> {
        Arc::clone(&self.membership.read())
    }

    /// From now on frames are addressed by this roster.
    pub(super) fn set_membership(&self, standing: MembershipSnapshot) {
        *self.membership.write() = Arc::new(standing);
    }

    /// A frame from the own seat.
    pub(super) fn encode(&self, joined: u64, body: FrameBody, payload: &[u8]) -> Bytes {
        let header = FrameHeader {
            from: self.me.clone(),
            generation: joined,
            body,
        };
        encode_frame(&header, payload)
    }

    fn send(&self, to: Destination, frame: Bytes) -> Enqueued {
        let bytes = frame.len();
        let job = OutboundOp::Send(OutboundFrame { to, frame });
        self.ops.push(job).map(|()| bytes)
    }

    fn push_topic_op(&self, job: OutboundOp, topic: &Topic) -> Enqueued {
        self.ops.push(job).map(|()| topic.as_str().len())
    }
}

impl Outbound for SendQueue {
    fn unicast(&self, to: &Member, envelope: &Envelope, payload: &[u8]) -> Enqueued {
        let standing = self.membership();
        let seat = standing.table.entry(&to.id);
        let Some(seat) = seat.filter(|seat| seat.generation == to.generation) else {
            return Ok(0);
        };
        let body = FrameBody::Unicast(envelope.clone());
        let frame = self.encode(standing.generation, body, payload);
        self.send(Destination::Inbox(seat.inbox.clone()), frame)
    }

    fn publish(&self, topic: &Topic, payload: &[u8]) -> Enqueued {
        let frame = self.encode(self.membership().generation, FrameBody::Published, payload);
        self.send(Destination::Topic(topic.clone()), frame)
    }

    fn subscribe(&self, topic: &Topic) -> Enqueued {
        self.push_topic_op(OutboundOp::Subscribe(topic.clone()), topic)
    }

    fn unsubscribe(&self, topic: &Topic) -> Enqueued {
        self.push_topic_op(OutboundOp::Unsubscribe(topic.clone()), topic)
    }
}

impl ByteSize for OutboundOp {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Send(outgoing) => outgoing.frame.len(),
            Self::Subscribe(_) | Self::Unsubscribe(_) => 0,
        }
    }
}
