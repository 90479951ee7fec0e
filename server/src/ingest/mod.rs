//! The telemetry queue: nodes publish the records of devices, and in every group of
//! consumers one member handles each record.
//!
//! ```text
//! intake ──► TelemetryProducer ──► queue ──► GroupConsumer ──► consumer
//!                 (one file for each kind of queue, both ends)
//! ```
//!
//! Reading order: `telemetry` (a record), [`queue`] (the guarantees of a queue),
//! `url` and `connect` (from a URL to a queue), then one file for each queue: `local`
//! with `local_protocol`, `redis`, `nats`, `amqp`, and the folder `kafka`. `groups` lists the consumer groups of the
//! embedded broker for operators.

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
pub(crate) mod queue;
#[cfg(feature = "redis")]
mod redis;
mod telemetry;
mod url;

pub(crate) use self::{
    connect::{ProducerTask, QueueTask, run_producer_task, run_queue_task},
    queue::{
        GroupConsumer, PublishOutcome, QueueError, RejectReason, TelemetryDelivery,
        TelemetryProducer,
    },
    telemetry::Telemetry,
};
pub use self::{
    groups::{GroupsError, consumer_groups},
    local_protocol::ConsumerGroupStatus,
    url::TelemetryUrl,
};
