//! The telemetry queue: nodes publish the records of devices, and in every group of
//! consumers one member handles each record.
//!
//! ```text
//! intake ──► TelemetryProducer ──► queue ──► GroupConsumer ──► consumer
//!                 (one file for each kind of queue, both ends)
//! ```
//!
//! Reading order:
//!
//! - `telemetry` (a record), [`queue`] (the guarantees of a queue);
//! - `registry` (the queues of this build), `url` and `connect` (from a URL to a queue);
//! - a file or a folder for each queue: `local` with `local_protocol`, `redis`, `nats`, `amqp`,
//!   `kafka`, `pubsub`;
//! - `groups` (the consumer groups of the embedded broker, for operators).

#[cfg(feature = "amqp")]
mod amqp;
mod connect;
mod groups;
#[cfg(feature = "kafka")]
mod kafka;
mod local;
pub(crate) mod local_protocol;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "gcp-pubsub")]
mod pubsub;
pub(crate) mod queue;
#[cfg(feature = "redis")]
mod redis;
mod registry;
mod telemetry;
mod url;

pub(crate) use self::{
    connect::{run_producer_task, run_queue_task},
    queue::{
        GroupConsumer, PublishOutcome, QueueError, RejectReason, TelemetryDelivery,
        TelemetryProducer,
    },
    registry::{ProducerTask, QueueTask},
    telemetry::Telemetry,
};
pub use self::{
    groups::{GroupsError, consumer_groups},
    local_protocol::ConsumerGroupStatus,
    url::TelemetryUrl,
};
