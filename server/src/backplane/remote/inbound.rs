//! The queue from a transport to its node, which never makes the transport wait.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::{TransportError, TransportResult};
use crate::{
    backplane::{RequestCounters, TrafficCounters},
    id::Topic,
    net::bounded_queue::{self, ByteSize},
};

// Client libraries have queues of their own, and several of them are unbounded. So
// transports move each frame into this queue at once.

/// The bytes that may wait for the node; further frames are dropped.
const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;
/// The least weight of a frame, so that at most 16,384 of them wait.
const MIN_FRAME_WEIGHT: usize = 1024;
/// The places for frames to everyone. These are heartbeats: they weigh nothing, so that
/// a backlog of messages does not make this node suspect the others.
const BROADCAST_RESERVE: usize = 4096;

/// A received frame.
#[derive(Debug)]
pub(in crate::backplane) enum InboundFrame {
    /// A frame to the node's own inbox.
    Inbox(Bytes),
    /// A frame to every node.
    Everyone(Bytes),
    /// A frame on a topic of the node's subscriptions.
    Topic(Topic, Bytes),
}

/// The transport's end of the queue, with one clone per receiving task.
#[derive(Clone)]
pub(in crate::backplane) struct InboundSender {
    frames: bounded_queue::BoundedSender<InboundFrame>,
    traffic: Arc<TrafficCounters>,
    end: Arc<EndOfConnection>,
}

/// The node's end of the queue.
pub(super) struct InboundReceiver {
    frames: bounded_queue::BoundedReceiver<InboundFrame>,
    end: Arc<EndOfConnection>,
}

/// The end of the connection and its reason, which overtake the frames in the queue.
#[derive(Default)]
struct EndOfConnection {
    closed: CancellationToken,
    reason: OnceLock<TransportError>,
}

/// Creates the queue of one connection. Dropped frames count in `traffic`.
pub(super) fn inbound_channel(traffic: &Arc<TrafficCounters>) -> (InboundSender, InboundReceiver) {
    let limit_frames = MAX_QUEUED_BYTES / MIN_FRAME_WEIGHT + BROADCAST_RESERVE;
    let (sender, frames) = bounded_queue::channel(limit_frames, MAX_QUEUED_BYTES);
    let end = Arc::<EndOfConnection>::default();
    let sender = InboundSender {
        frames: sender,
        traffic: Arc::clone(traffic),
        end: Arc::clone(&end),
    };
    (sender, InboundReceiver { frames, end })
}

impl InboundSender {
    /// Queues a frame. If the queue is full, the frame is dropped and counted.
    pub(in crate::backplane) fn push(&self, frame: InboundFrame) {
        if self.frames.push(frame).is_err() {
            self.traffic.dropped.add(1);
        }
    }

    /// Returns the counters of the requests that the broker bills.
    #[cfg_attr(
        not(feature = "aws"),
        expect(dead_code, reason = "no other broker bills its requests")
    )]
    pub(in crate::backplane) fn requests(&self) -> Arc<RequestCounters> {
        Arc::clone(&self.traffic.requests)
    }

    /// Closes the queue. The first reason counts; frames that still wait are lost.
    pub(in crate::backplane) fn close(&self, reason: TransportError) {
        // Further reasons are ignored: they follow from the first one.
        let _ = self.end.reason.set(reason);
        self.end.closed.cancel();
    }
}

impl InboundReceiver {
    /// Returns the next frame, or the reason of the connection's end.
    pub(super) async fn next(&mut self) -> TransportResult<InboundFrame> {
        let frame = tokio::select! {
            biased;
            () = self.end.closed.cancelled() => None,
            frame = self.frames.recv() => frame,
        };
        frame.ok_or_else(|| match self.end.reason.get() {
            Some(reason) => reason.clone(),
            // The transport was dropped.
            None => TransportError::broken("the connection ended"),
        })
    }
}

impl ByteSize for InboundFrame {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Inbox(frame) | Self::Topic(_, frame) => frame.len().max(MIN_FRAME_WEIGHT),
            Self::Everyone(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn full_queue_drops_messages_but_no_heartbeats() {
        let traffic = Arc::<TrafficCounters>::default();
        let (sender, mut receiver) = inbound_channel(&traffic);
        for _ in 0..20_000 {
            sender.push(InboundFrame::Inbox("m".into()));
        }
        sender.push(InboundFrame::Everyone("heartbeat".into()));
        let kept = (MAX_QUEUED_BYTES / MIN_FRAME_WEIGHT) as u64;
        assert_eq!(traffic.dropped.get(), 20_000 - kept);
        for _ in 0..kept {
            assert!(matches!(receiver.next().await, Ok(InboundFrame::Inbox(_))));
        }
        let last = receiver.next().await;
        assert!(matches!(last, Ok(InboundFrame::Everyone(_))), "{last:?}");
    }

    #[tokio::test]
    async fn closed_queue_returns_its_first_reason_before_waiting_frames() {
        let (sender, mut receiver) = inbound_channel(&Arc::default());
        sender.push(InboundFrame::Inbox(Bytes::new()));
        sender.close(TransportError::broken("first"));
        sender.close(TransportError::broken("second"));
        assert_eq!(receiver.next().await.unwrap_err().to_string(), "first");
    }
}
