//! The embedded broker's frames for telemetry, after the first frame of a connection.
//! Each is a header; some have a payload after it.
//!
//! A rejection comes first in the enums of the broker's frames, so that it has the same
//! bytes for every kind of client: the broker may reject a client before it knows its
//! kind.

use serde::{Deserialize, Serialize};

use crate::{id::ConsumerGroup, ingest::PublishOutcome};

/// A frame from a node that publishes telemetry.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromProducer {
    /// A record, as the payload. `sequence` is its number on this connection.
    Publish { sequence: u64 },
    /// The answer to a ping. Any other frame counts as a sign of life too.
    Pong,
}

/// A frame to a node that publishes telemetry.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToProducer {
    /// The broker rejects the client and ends the connection.
    Rejected {
        reason: String,
    },
    /// All groups: the first frame, and again when a group was created.
    Groups(Vec<ConsumerGroup>),
    /// The outcomes of records, by their numbers.
    PublishResults(Vec<(u64, PublishOutcome)>),
    Ping,
}

/// A frame from a consumer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromConsumer {
    /// The deliveries with these receipts are handled.
    Acknowledge(Vec<u64>),
    /// The answer to a ping. Any other frame counts as a sign of life too.
    Pong,
}

/// A frame to a consumer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToConsumer {
    /// The broker rejects the client and ends the connection.
    Rejected {
        reason: String,
    },
    /// The first frame: the group exists.
    Joined,
    /// A record to handle, as the payload.
    Delivery {
        receipt: u64,
        redelivered: bool,
    },
    Ping,
}
