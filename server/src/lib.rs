//! The reference clustered WebSocket server, and the embedded broker that joins its nodes
//! on one machine.
//!
//! ```text
//!  processes:    node          gateway        consumer       broker (embedded)
//!                 │               │              │              │
//!                 │  cluster ─► session          │              │
//!                 │  intake  ─► session          │              │
//!                 ▼               ▼              ▼              ▼
//!  shared:      ingest (telemetry queue) ─► backplane (the other nodes)
//!               api (HTTP errors), auth, message, faults
//!                 ▼
//!  below all:   net (connections) ─► metric, limits, rate, id, clock
//! ```
//!
//! A module uses only modules below it. In reading order:
//!
//! - [`node`] is one node of the cluster, with its HTTP interface; [`gateway`] balances
//!   sockets and requests over nodes; [`consumer`] handles telemetry; [`broker`] is the
//!   embedded broker;
//! - `session` holds device sockets; `cluster` finds the node that owns a device, and
//!   delivers messages to topics; `intake` passes telemetry on;
//! - [`backplane`] joins the nodes; `ingest` is the telemetry queue; `brokers` registers the
//!   message brokers that both can use; `message` holds what nodes exchange;
//! - `stomp_relay` connects STOMP sessions with a broker of others;
//! - `control_thread` runs the connection to the backplane apart from the sockets;
//! - [`auth`] checks tokens, `api` answers errors, `faults` injects faults on request;
//! - `net` holds listeners, [`tls`], WebSocket frames and admission control; `metric`
//!   exports metrics; `limits`, `rate`, `id` and `clock` are values.
//!
//! `docs/protocol.md` specifies the protocol.

mod api;
pub mod auth;
pub mod backplane;
pub mod broker;
mod brokers;
mod clock;
mod cluster;
pub mod consumer;
mod control_thread;
mod faults;
#[doc(hidden)]
pub mod fuzzing;
pub mod gateway;
mod ingest;
mod intake;
mod limits;
mod message;
mod metric;
mod net;
pub mod node;
mod session;
#[cfg(feature = "stomp")]
mod stomp_relay;

pub use highwater_types::{
    ClusterName, ConsumerGroup, DeviceId, InvalidName, NodeId, Rate, TelemetryId, Topic,
};
// So that modules name them as `crate::id` and `crate::rate`.
use highwater_types::{id, rate};

#[cfg(feature = "stomp")]
pub use self::stomp_relay::{InvalidRelayUrl, StompRelayUrl};
pub use self::{
    api::{InvalidOrigin, Origin},
    auth::{AuthConfig, Secret},
    backplane::{BackplaneUrl, ClusterSecret, ClusterSecretError},
    broker::{BrokerConfig, BrokerError},
    cluster::{Routing, UnknownRouting},
    consumer::ConsumerConfig,
    gateway::{
        AllowedNetworks, GatewayConfig, GatewayError, GatewayLimits, GatewayPolicy, LoadMetric,
    },
    ingest::{ConsumerGroupStatus, GroupsError, consumer_groups},
    limits::{NodeLimits, StompLimits},
    net::{
        listen::{ListenSockets, listen},
        networks::{InvalidNetwork, Networks},
        proxies::ProxyConfig,
        task_group::TaskEnded,
        tls::{self, ServerTls},
    },
    node::{LoadSource, NodeConfig, NodeError},
};
