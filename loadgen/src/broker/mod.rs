//! Message brokers that join the nodes of a cluster and that the harness does not start.
//!
//! ```text
//! before the run      check_connection ─► error with a start command
//! every second        gauge_source ─────► gauges of the record
//! after the run       cleanup ──────────► names of this run are removed
//! ```
//!
//! A new broker is a file beside [`nats`] that implements
//! [`BrokerDriver`](driver::BrokerDriver), and a line in [`registry`].
//!
//! - [`driver`]: the trait, and the names that all brokers share;
//! - [`registry`]: the driver of each kind;
//! - [`nats`], [`rabbitmq`], [`redis`]: one driver each, with the gauges in a file below it;
//! - [`monitor`]: the monitoring endpoint that a scenario names.

pub(crate) mod driver;
mod monitor;
mod nats;
mod rabbitmq;
mod redis;
mod registry;

pub(crate) use driver::BrokerDriver;
pub(crate) use registry::driver;
