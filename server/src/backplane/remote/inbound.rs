//! What a carrier hands to its node, through a queue that never makes it wait.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::CarrierError;
use crate::{
    backplane::Traffic,
    bounded_queue::{self, Weigh},
    id::Topic,
};

/// Bytes that may wait for the node to handle them; more are dropped.
const BYTES: usize = 16 * 1024 * 1024;
/// What a frame counts at least, so that no more than 16,384 wait.
const LEAST_BYTES: usize = 1024;
/// What is sent to everyone says who is alive. It counts nothing, and has room
/// however much else waits.
const TO_EVERYONE: usize = 4096;

/// A frame that arrived.
#[derive(Debug)]
pub(in crate::backplane) enum Arrived {
    /// In the own inbox.
    Inbox(Bytes),
    /// For every node.
    Everyone(Bytes),
    /// On a topic this node listens to.
    Topic(Topic, Bytes),
}

/// The carrier's end, one clone for each task that receives.
#[derive(Clone)]
pub(in crate::backplane) struct Intake {
    frames: bounded_queue::Sender<Arrived>,
    traffic: Arc<Traffic>,
    end: Arc<End>,
}

/// The node's end.
pub(super) struct Arrivals {
    frames: bounded_queue::Receiver<Arrived>,
    end: Arc<End>,
}

#[derive(Default)]
struct End {
    came: CancellationToken,
    reason: OnceLock<CarrierError>,
}

/// Both ends, for one connection; what is dropped is counted in `traffic`.
pub(super) fn arrivals(traffic: &Arc<Traffic>) -> (Intake, Arrivals) {
    let (sender, receiver) = bounded_queue::channel(BYTES / LEAST_BYTES + TO_EVERYONE, BYTES);
    let end = Arc::<End>::default();
    let intake = Intake {
        frames: sender,
        traffic: Arc::clone(traffic),
        end: Arc::clone(&end),
    };
    let arrivals = Arrivals {
        frames: receiver,
        end,
    };
    (intake, arrivals)
}

impl Intake {
    /// Queues a frame; a node that is too slow loses it, which is counted.
    pub(in crate::backplane) fn offer(&self, arrived: Arrived) {
        if self.frames.push(arrived).is_err() {
            self.traffic.count_dropped();
        }
    }

    /// The connection is over; the first reason counts. Frames that still wait are
    /// lost.
    pub(in crate::backplane) fn broke(&self, reason: CarrierError) {
        let _ = self.end.reason.set(reason);
        self.end.came.cancel();
    }
}

impl Arrivals {
    /// The next frame, or why there is none to come.
    pub(super) async fn next(&mut self) -> Result<Arrived, CarrierError> {
        let frame = tokio::select! {
            biased;
            () = self.end.came.cancelled() => None,
            frame = self.frames.recv() => frame,
        };
        frame.ok_or_else(|| self.reason())
    }

    fn reason(&self) -> CarrierError {
        let unknown = || CarrierError::Broken("the connection ended".to_owned());
        self.end.reason.get().cloned().unwrap_or_else(unknown)
    }
}

impl Weigh for Arrived {
    fn bytes(&self) -> usize {
        match self {
            Self::Inbox(frame) | Self::Topic(_, frame) => frame.len().max(LEAST_BYTES),
            Self::Everyone(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_node_loses_messages_but_never_who_is_alive() {
        let traffic = Arc::<Traffic>::default();
        let (intake, mut arrivals) = arrivals(&traffic);
        for _ in 0..20_000 {
            intake.offer(Arrived::Inbox(Bytes::from_static(b"m")));
        }
        intake.offer(Arrived::Everyone(Bytes::from_static(b"beat")));
        let kept = (BYTES / LEAST_BYTES) as u64;
        assert_eq!(traffic.dropped(), 20_000 - kept);
        for _ in 0..kept {
            assert!(matches!(arrivals.next().await, Ok(Arrived::Inbox(_))));
        }
        assert!(matches!(arrivals.next().await, Ok(Arrived::Everyone(_))));
    }

    #[tokio::test]
    async fn the_end_says_why_and_comes_at_once() {
        let (intake, mut arrivals) = arrivals(&Arc::default());
        intake.offer(Arrived::Inbox(Bytes::new()));
        intake.broke(CarrierError::Broken("first".to_owned()));
        intake.broke(CarrierError::Broken("second".to_owned()));
        assert_eq!(arrivals.next().await.unwrap_err().to_string(), "first");
    }
}
