//! Telemetry, from devices through a queue to groups of consumers.
//!
//! In reading order:
//!
//! - `rig` (a node, a device that sends, consumers and their journals), `suite` (the contract of
//!   every queue);
//! - `full` (a Redis server without memory), `abandoned` (a group without consumers), `kafka`
//!   (lag, rebalances), `pubsub` (an emulator that comes back), `returned_broker` (a part of both),
//!   `metrics` (the metrics of a consumer).

mod abandoned;
mod full;
#[cfg(feature = "kafka")]
mod kafka;
mod metrics;
#[cfg(feature = "gcp-pubsub")]
mod pubsub;
#[cfg(any(feature = "kafka", feature = "gcp-pubsub"))]
mod returned_broker;
mod rig;
mod suite;
