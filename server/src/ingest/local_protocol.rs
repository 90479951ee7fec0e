//! The broker's frames for readings, after the hello that says which of the two
//! kinds of connection it is. Each is a header, some with a payload behind it.
//! A refusal is the first of what the broker says, to whomever, so that it reads the
//! same before it is known who came.

use serde::{Deserialize, Serialize};

use crate::{id::ConsumerGroup, ingest::PublishOutcome};

/// From a node that hands readings in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromProducer {
    /// The reading that follows is this connection's number `number`.
    Publish { sequence: u64 },
    /// Answers a ping; any frame proves life as well.
    Pong,
}

/// To a node that hands readings in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToProducer {
    /// The connection ends.
    Rejected {
        reason: String,
    },
    /// Every group there is: first of all, and again when there is one more.
    Groups(Vec<ConsumerGroup>),
    /// What became of readings, by their numbers.
    PublishResults(Vec<(u64, PublishOutcome)>),
    Ping,
}

/// From a consumer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromConsumer {
    /// These deliveries are handled.
    Acknowledge(Vec<u64>),
    /// Answers a ping; any frame proves life as well.
    Pong,
}

/// To a consumer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToConsumer {
    /// The connection ends.
    Rejected {
        reason: String,
    },
    /// First of all: the group exists.
    Joined,
    /// The reading that follows is to be handled.
    Delivery {
        receipt: u64,
        redelivered: bool,
    },
    Ping,
}
