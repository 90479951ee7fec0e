//! Vocabulary that the whole workspace shares. Pure: no runtime, no clock, no network.
//!
//! ```text
//!            text of a flag or a scenario
//!                        │ parse
//!                        ▼
//!  id   rate   duration   broker_url        (duration and rate by way of quantity)
//!                        │
//!                        ▼ format, redact, escape
//!          text of a report, a log, the terminal
//! ```
//!
//! - [`id`]: names of nodes, clusters, devices, topics, telemetry and consumer groups;
//! - [`quantity`]: a number with its unit, which [`rate`] and [`duration`] are read from;
//! - [`broker_kind`], [`broker_url`] and [`server_address`]: the table of brokers, and
//!   the addresses of a broker and of one server; [`invalid_broker_url`]: their error;
//! - [`redact`]: addresses without their passwords;
//! - [`backoff`]: delays between attempts to connect again;
//! - [`mod@format`]: numbers and times as text.

pub mod backoff;
pub mod broker_kind;
pub mod broker_url;
pub mod duration;
pub mod format;
pub mod id;
pub mod invalid_broker_url;
pub mod quantity;
pub mod rate;
pub mod redact;
pub mod server_address;

pub use self::{
    backoff::Backoff,
    broker_kind::{BrokerKind, BrokerMonitoring},
    broker_url::BrokerUrl,
    id::{ClusterName, ConsumerGroup, DeviceId, InvalidName, NodeId, TelemetryId, Topic},
    invalid_broker_url::InvalidBrokerUrl,
    quantity::InvalidQuantity,
    rate::{InvalidRate, Rate},
    redact::redact_passwords,
    server_address::ServerAddress,
};
