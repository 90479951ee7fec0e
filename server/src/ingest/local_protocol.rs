//! The frames of producers and consumers of telemetry, after the handshake of the
//! connection.
//!
//! A frame is a header, and some have a payload.

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
    /// All consumer groups. It is the first frame, and is sent again when they change.
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

/// The answer to an operator.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToOperator {
    /// The group cannot be removed; the connection ends.
    Rejected { reason: String },
    /// All consumer groups; the connection ends.
    Groups(Vec<ConsumerGroupStatus>),
}

/// A consumer group at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerGroupStatus {
    /// The name of the group.
    pub group: ConsumerGroup,
    /// The connected consumers.
    pub consumers: u64,
    /// The records that wait for a consumer.
    pub ready: u64,
    /// The records that consumers have and have not acknowledged.
    pub unacked: u64,
    /// The milliseconds after which the group is removed; `None` while it has consumers.
    pub expires_in_ms: Option<u64>,
}
