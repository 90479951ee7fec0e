//! What a carrier hands to its node, through a queue that never makes it wait.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::TransportError;
use crate::{
    backplane::TrafficCounters,
    id::Topic,
    net::bounded_queue::{self, ByteSize},
};

/// Bytes that may wait for the node to handle them; more are dropped.
const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;
/// What a frame counts at least, so that no more than 16,384 wait.
const MIN_FRAME_WEIGHT: usize = 1024;
/// What is sent to everyone says who is alive. It counts nothing, and has room
/// however much else waits.
const BROADCAST_RESERVE: usize = 4096;

/// A frame that arrived.
#[derive(Debug)]
pub(in crate::backplane) enum InboundFrame {
    /// In the own inbox.
    Inbox(Bytes),
    /// For every node.
    Everyone(Bytes),
    /// On a topic this node listens to.
    Topic(Topic, Bytes),
}

/// The carrier's end, one clone for each task that receives.
#[derive(Clone)]
pub(in crate::backplane) struct InboundSender {
    frames: bounded_queue::BoundedSender<InboundFrame>,
    traffic: Arc<TrafficCounters>,
    end: Arc<DisconnectState>,
}

/// The node's end.
pub(super) struct InboundReceiver {
    frames: bounded_queue::BoundedReceiver<InboundFrame>,
    end: Arc<DisconnectState>,
}

#[derive(Default)]
struct DisconnectState {
    closed: CancellationToken,
    reason: OnceLock<TransportError>,
}

/// Both ends, for one connection; what is dropped is counted in `traffic`.
pub(super) fn inbound_channel(traffic: &Arc<TrafficCounters>) -> (InboundSender, InboundReceiver) {
    let (sender, receiver) = bounded_queue::channel(
        MAX_QUEUED_BYTES / MIN_FRAME_WEIGHT + BROADCAST_RESERVE,
        MAX_QUEUED_BYTES,
    );
    let end = Arc::<DisconnectState>::default();
    let intake = InboundSender {
        frames: sender,
        traffic: Arc::clone(traffic),
        end: Arc::clone(&end),
    };
    let arrivals = InboundReceiver {
        frames: receiver,
        end,
    };
    (intake, arrivals)
}

impl InboundSender {
    /// Queues a frame; a node that is too slow loses it, which is counted.
    pub(in crate::backplane) fn push(&self, arrived: InboundFrame) {
        if self.frames.push(arrived).is_err() {
            self.traffic.count_dropped();
        }
    }

    /// The connection is over; the first reason counts. Frames that still wait are
    /// lost.
    pub(in crate::backplane) fn close(&self, reason: TransportError) {
        let _ = self.end.reason.set(reason);
        self.end.closed.cancel();
    }
}

impl InboundReceiver {
    /// The next frame, or why there is none to come.
    pub(super) async fn next(&mut self) -> Result<InboundFrame, TransportError> {
        let frame = tokio::select! {
            biased;
            () = self.end.closed.cancelled() => None,
            frame = self.frames.recv() => frame,
        };
        frame.ok_or_else(|| self.reason())
    }

    fn reason(&self) -> TransportError {
        let unknown = || TransportError::Broken("the connection ended".to_owned());
        self.end.reason.get().cloned().unwrap_or_else(unknown)
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
    async fn a_slow_node_loses_messages_but_never_who_is_alive() {
        let traffic = Arc::<TrafficCounters>::default();
        let (intake, mut arrivals) = inbound_channel(&traffic);
        for _ in 0..20_000 {
            intake.push(InboundFrame::Inbox(Bytes::from_static(b"m")));
        }
        intake.push(InboundFrame::Everyone(Bytes::from_static(b"beat")));
        let kept = (MAX_QUEUED_BYTES / MIN_FRAME_WEIGHT) as u64;
        assert_eq!(traffic.dropped(), 20_000 - kept);
        for _ in 0..kept {
            assert!(matches!(arrivals.next().await, Ok(InboundFrame::Inbox(_))));
        }
        assert!(matches!(
            arrivals.next().await,
            Ok(InboundFrame::Everyone(_))
        ));
    }

    #[tokio::test]
    async fn the_end_says_why_and_comes_at_once() {
        let (intake, mut arrivals) = inbound_channel(&Arc::default());
        intake.push(InboundFrame::Inbox(Bytes::new()));
        intake.close(TransportError::Broken("first".to_owned()));
        intake.close(TransportError::Broken("second".to_owned()));
        assert_eq!(arrivals.next().await.unwrap_err().to_string(), "first");
    }
}
