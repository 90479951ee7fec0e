//! Messages of workers from the stream, and their signs of life from the bucket.

use std::time::Duration;

use tokio::time::Instant;

use crate::bus::{BusError, Envelope};

/// A message of a worker from the stream, or a change in its signs of life.
pub(super) enum PoolItem {
    /// A message of the worker of segment `index`.
    Received {
        /// The number in the stream.
        sequence: u64,
        /// The segment.
        index: u32,
        /// The message.
        envelope: Envelope,
    },
    /// A message that no worker of this version sends.
    Unreadable {
        /// The number in the stream.
        sequence: u64,
        /// The cause.
        reason: String,
    },
    /// Everything that the stream held at an instant was sent before.
    StreamEnd {
        /// The instant.
        at: Instant,
    },
    /// The stream cannot be read.
    StreamLost {
        /// The instant of its last answer.
        since: Instant,
        /// The cause.
        error: BusError,
    },
    /// The bus does not have the run any more.
    RunGone(BusError),
    /// A worker shows no sign of life.
    Silent {
        /// The segment.
        index: u32,
        /// The time since the last one.
        since: Duration,
        /// The cause, as far as it is known.
        reason: String,
    },
    /// A silent worker shows signs of life again.
    Back {
        /// The segment.
        index: u32,
    },
    /// Another process has taken a segment.
    Replaced {
        /// The segment.
        index: u32,
        /// The epoch of its claim.
        epoch: u64,
    },
}
