//! What a carrier hands to its node, through a queue that never makes it wait.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::CarrierError;
use crate::{
    backlog::{self, Weigh},
    id::Topic,
};

/// Frames that may wait for the node to handle them; more are dropped.
const FRAMES: usize = 16_384;
/// Bytes that may wait for the node to handle them; more are dropped.
const BYTES: usize = 16 * 1024 * 1024;

/// A frame that arrived.
#[derive(Debug)]
pub(in crate::backplane) enum Arrived {
    /// In the own inbox, or sent to everyone.
    Frame(Bytes),
    /// On a topic this node listens to.
    Topic(Topic, Bytes),
}

/// The carrier's end, one clone for each task that receives.
#[derive(Clone)]
pub(in crate::backplane) struct Intake {
    frames: backlog::Sender<Arrived>,
    end: Arc<End>,
}

/// The node's end.
pub(super) struct Arrivals {
    frames: backlog::Receiver<Arrived>,
    end: Arc<End>,
}

#[derive(Default)]
struct End {
    came: CancellationToken,
    reason: OnceLock<CarrierError>,
}

/// Both ends, for one connection.
pub(super) fn arrivals() -> (Intake, Arrivals) {
    let (sender, receiver) = backlog::channel(FRAMES, BYTES);
    let end = Arc::<End>::default();
    let intake = Intake {
        frames: sender,
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
        let _ = self.frames.push(arrived);
    }

    /// The connection is over; the first reason counts. Frames that still wait are
    /// lost.
    pub(in crate::backplane) fn broke(&self, reason: CarrierError) {
        let _ = self.end.reason.set(reason);
        self.end.came.cancel();
    }

    /// Frames lost because the node was too slow.
    pub(super) fn dropped(&self) -> u64 {
        self.frames.refused()
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
            Self::Frame(frame) | Self::Topic(_, frame) => frame.len(),
        }
    }
}
