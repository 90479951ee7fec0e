//! Message brokers that join the nodes of a cluster or carry their telemetry, and that the
//! harness does not start.
//!
//! ```text
//! before the run      check_connection ─► error with a start command
//! every second        gauge_source ─────► gauges of the record
//! after the run       cleanup ──────────► names of this run are removed
//! ```
//!
//! A new broker is a file beside [`nats`] that implements
//! [`BrokerDriver`], its `mod` line here, and a line in [`driver()`].
//!
//! - [`mod@driver`]: the trait, and the names that all brokers share;
//! - [`nats`], [`rabbitmq`], [`redis`], [`sns`], `kafka` and `pubsub`: one driver each, with its
//!   gauges in a file below it; `not_built` where the build lacks a client library;
//! - [`monitor`]: the monitoring endpoint that a scenario names.

pub(crate) mod driver;
#[cfg(feature = "kafka")]
mod kafka;
mod monitor;
mod nats;
#[cfg(not(all(feature = "gcp-pubsub", feature = "kafka")))]
mod not_built;
#[cfg(feature = "gcp-pubsub")]
mod pubsub;
mod rabbitmq;
mod redis;
mod sns;

use highwater_types::BrokerKind;

pub(crate) use driver::BrokerDriver;

/// Returns the driver of a kind of broker: the registry, with one line per broker.
pub(crate) fn driver(kind: BrokerKind) -> &'static dyn BrokerDriver {
    match kind {
        BrokerKind::Redis => &redis::Redis,
        BrokerKind::Nats => &nats::Nats,
        BrokerKind::RabbitMq => &rabbitmq::RabbitMq,
        #[cfg(feature = "kafka")]
        BrokerKind::Kafka => &kafka::Kafka,
        #[cfg(not(feature = "kafka"))]
        BrokerKind::Kafka => &not_built::NotBuilt("kafka"),
        #[cfg(feature = "gcp-pubsub")]
        BrokerKind::PubSub => &pubsub::PubSub,
        #[cfg(not(feature = "gcp-pubsub"))]
        BrokerKind::PubSub => &not_built::NotBuilt("gcp-pubsub"),
        BrokerKind::Sns | BrokerKind::DynamoDb => &sns::Sns,
    }
}
