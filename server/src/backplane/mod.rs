//! The backplane: unicast, publish/subscribe, request/reply and membership between the
//! nodes and gateways of one cluster.
//!
//! ```text
//!              node or gateway
//!   send, request, │  ▲ View,
//!   publish, …     ▼  │ Inbound
//!        endpoint ◄── reconnect            the same for every backplane
//!        ┌────────┴────────┐
//!      local             remote            connection and membership
//!        │         ┌───────┼───────┬───────┐
//!        │       redis   nats    amqp     aws    one `Transport` per broker
//!        ▼         ▼       ▼       ▼       ▼
//!  embedded      Redis   NATS   RabbitMQ  SNS and SQS
//!  broker
//! ```
//!
//! The files, in reading order:
//!
//! - [`contract`] (the trait and its guarantees), [`view`] (the members), `identity`,
//!   `message`, `error`;
//! - `url`, `cluster_secret`, `transports` and `join` (from a URL to a backplane),
//!   `clean_up` (what dead processes have left);
//! - `standalone` (a cluster of one), `local` (the embedded broker), `remote` (membership
//!   over message brokers) with `redis`, `nats`, `amqp` (RabbitMQ) and `aws` (SNS and SQS);
//! - the parts that they share: `endpoint` (the node's end), `reconnect` (a task that
//!   connects again and again), `envelope` (request/reply over unicast), `pending`
//!   (requests that wait), `member_list` (the rules of membership), `lease`, `traffic`
//!   (counters), `metrics` (their export).
//!
//! The conformance suite in `tests/it` holds every backplane to the contract.

#[cfg(feature = "amqp")]
pub(crate) mod amqp;
#[cfg(feature = "aws")]
pub(crate) mod aws;
// The module of a line in the table of brokers.
#[cfg(feature = "aws")]
pub(crate) use self::aws as dynamodb;
mod clean_up;
mod cleaned_up;
pub(crate) mod cluster_secret;
pub mod contract;
mod endpoint;
mod envelope;
mod error;
mod identity;
mod join;
mod lease;
pub(crate) mod local;
mod member_list;
mod message;
mod metrics;
#[cfg(feature = "nats")]
pub(crate) mod nats;
mod pending;
mod reconnect;
#[cfg(feature = "redis")]
pub(crate) mod redis;
#[cfg_attr(
    not(feature = "remote"),
    expect(
        dead_code,
        unused_imports,
        reason = "a build without any broker's client"
    )
)]
pub(crate) mod remote;
mod standalone;
mod traffic;
mod transports;
mod url;
pub mod view;

#[cfg(feature = "aws")]
pub use self::aws::stream::{
    InvalidRules, RoutingRules, StreamFilterConfig, StreamFilterError, run_stream_filter,
};
pub use self::{
    clean_up::clean_up,
    cleaned_up::{CleanUpError, CleanedUp},
    cluster_secret::{ClusterSecret, ClusterSecretError},
    contract::Backplane,
    error::{RequestError, SendError},
    identity::Identity,
    join::{BackplaneConfig, JoinedBackplane, join},
    message::{Inbound, MAX_PAYLOAD_BYTES, ReplyTo},
    traffic::{Counter, MessageKind, RequestCounters, TrafficCounters},
    url::BackplaneUrl,
    view::{Member, MemberRole, View},
};
pub(crate) use self::{
    envelope::{Envelope, decode_frame, encode_frame},
    lease::{MASS_SILENCE_LEASES, is_mass_silence},
    member_list::{IdConflict, MemberEntry, MemberList, initial_version},
    metrics::collect_metrics,
    url::check_broker_url,
};
