//! The queue of frames that wait for the connection to the embedded broker.

use bytes::Bytes;

use super::protocol::ToBroker;
use crate::{
    backplane::{
        Member,
        endpoint::{Enqueued, Outbound},
        envelope::{Envelope, encode_frame},
    },
    id::Topic,
    net::bounded_queue::{self, BoundedReceiver, BoundedSender},
};

/// The frames that may wait for the connection; further ones are rejected.
const MAX_QUEUED_FRAMES: usize = 8192;
/// The bytes that may wait for the connection; further ones are rejected.
const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;

/// The queue to the embedded broker.
pub(super) struct LocalSendQueue {
    frames: BoundedSender<Bytes>,
}

impl LocalSendQueue {
    pub(super) fn new() -> (Self, BoundedReceiver<Bytes>) {
        let (frames, receiver) = bounded_queue::channel(MAX_QUEUED_FRAMES, MAX_QUEUED_BYTES);
        (Self { frames }, receiver)
    }

    fn push(&self, header: &ToBroker, payload: &[u8]) -> Enqueued {
        let frame = encode_frame(header, payload);
        let bytes = frame.len();
        self.frames.push(frame).map(|()| bytes)
    }
}

impl Outbound for LocalSendQueue {
    // The broker names the sender: it knows the connection that a frame comes from.
    fn unicast(&self, _: &Member, to: &Member, envelope: &Envelope, payload: &[u8]) -> Enqueued {
        let to = ToBroker::Unicast {
            to: to.id.clone(),
            generation: to.generation,
        };
        self.push(&to, &encode_frame(envelope, payload))
    }

    fn publish(&self, _: &Member, topic: &Topic, payload: &[u8]) -> Enqueued {
        let topic = topic.clone();
        self.push(&ToBroker::Publish { topic }, payload)
    }

    fn subscribe(&self, topic: &Topic) -> Enqueued {
        let topic = topic.clone();
        self.push(&ToBroker::Subscribe { topic }, &[])
    }

    fn unsubscribe(&self, topic: &Topic) -> Enqueued {
        let topic = topic.clone();
        self.push(&ToBroker::Unsubscribe { topic }, &[])
    }
}
