//! Upstream work: devices send readings, and of every group of consumers one
//! member handles each.
//!
//! In reading order: [`reading`] (what is sent), [`queue`] (what a queue must
//! promise), one file a queue, `intake` (from a device's socket into the queue),
//! [`choose`] (from the backplane's URL to the queue).

#[cfg(feature = "amqp")]
mod amqp;
#[cfg(feature = "remote")]
mod broker_address;
mod connect;
pub(crate) mod intake;
mod local;
#[cfg(feature = "nats")]
mod nats;
pub(crate) mod queue;
#[cfg(feature = "redis")]
mod redis;
mod telemetry;

pub(crate) use self::{
    connect::{QueueTask, run_intake, run_queue_task},
    intake::TelemetryIntake,
    queue::{GroupConsumer, PublishOutcome, QueueError, RejectReason, TelemetryDelivery},
    telemetry::Telemetry,
};
