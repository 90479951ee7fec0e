//! The frames of producers and consumers of telemetry, after the first frame of the
//! connection.
//!
//! A frame is a header, and some have a payload. `Rejected` is the first variant of each
//! kind of frame from the broker, as in `FromBroker`, because the broker may reject a peer
//! while it does not know what the peer is.

use serde::{Deserialize, Serialize};

use crate::{id::ConsumerGroup, ingest::PublishOutcome};

/// A frame from a node that sends telemetry.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromProducer {
    /// The payload is the record with this number. Numbers belong to one connection.
    Publish { sequence: u64 },
    /// The answer to a ping. Any other frame is a sign of life as well.
    Pong,
}

/// A frame to a node that sends telemetry.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToProducer {
    /// The producer may not connect; the connection ends.
    Rejected { reason: String },
    /// The consumer groups. It is the first frame, and is sent again for each new group.
    Groups(Vec<ConsumerGroup>),
    /// The outcomes of records, by their numbers.
    PublishResults(Vec<(u64, PublishOutcome)>),
    /// Must be answered: a silent producer is disconnected.
    Ping,
}

/// A frame from a consumer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromConsumer {
    /// The deliveries with these receipts are handled.
    Acknowledge(Vec<u64>),
    /// The answer to a ping. Any other frame is a sign of life as well.
    Pong,
}

/// A frame to a consumer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToConsumer {
    /// The consumer may not connect; the connection ends.
    Rejected { reason: String },
    /// The first frame: the group exists.
    Joined,
    /// The payload is a record to handle.
    Delivery { receipt: u64, redelivered: bool },
    /// Must be answered: a silent consumer is disconnected.
    Ping,
}
