//! Messages of workers, and the events of their lives.

use std::time::Duration;

use tokio::time::Instant;

use crate::{bus::BusError, control::FromWorker};

/// A message of a worker, or what became of it.
#[derive(Debug)]
pub enum WorkerEvent {
    /// A message.
    Message(FromWorker),
    /// The worker's link ended, for this reason.
    Ended(String),
    /// The worker shows no sign of life.
    Silent {
        /// The time since the last one.
        since: Duration,
        /// The cause, as far as it is known.
        reason: String,
    },
    /// A silent worker shows signs of life again.
    Back,
    /// Another process has taken the worker's segment.
    Replaced {
        /// The number of its claim.
        epoch: u64,
    },
    /// A message that no worker of this version sends.
    Unreadable(String),
    /// All that the bus held of the workers at an instant was handed out.
    StreamEnd {
        /// The instant.
        at: Instant,
    },
    /// The messages of workers on the bus cannot be read.
    StreamLost {
        /// The instant of the last answer.
        since: Instant,
        /// The cause.
        error: BusError,
    },
    /// The bus does not have the run any more.
    RunGone(BusError),
    /// Another coordinator has taken the run over.
    Superseded,
}
