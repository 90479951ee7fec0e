//! The reference clustered WebSocket server, and the embedded broker that joins
//! its nodes on one machine.
//!
//! In reading order: [`config`] (what a node is told), [`node`] (its life),
//! `admission` (who is let in), [`tls`], `wire` and `door` (connections), [`auth`] (who may do
//! what), `http` (what it serves), `ws` and `session` (device sockets), `cluster`
//! (which node owns which device), [`backplane`] (what joins the nodes), [`broker`]
//! (the embedded one), `bounded_queue` (the bounded queue that both use), `work` (readings,
//! from devices into a queue), [`consumer`] (and out of it), [`gateway`] (what stands
//! in front of the nodes), `faults` (what a node does wrong on request), and what they
//! share: `life` (standing tasks), `door` (connections), `backoff` (when all of them connect again), `turns`
//! (one device after the other), `metric` (what each says about itself).
//!
//! The protocol is written down in `docs/protocol.md`.

mod admission;
pub mod auth;
mod backoff;
pub mod backplane;
mod bounded_queue;
pub mod broker;
mod brokers;
mod cluster;
pub mod config;
pub mod consumer;
mod faults;
#[doc(hidden)]
pub mod fuzzing;
pub mod gateway;
mod http;
mod ingest;
mod listen;
mod listener;
mod metric;
pub mod node;
mod pacer;
mod session;
mod stream;
mod task_group;
pub mod tls;
mod ws;

pub use highwater_types::{
    ClusterName, ConsumerGroup, DeviceId, InvalidName, NodeId, Rate, TelemetryId, Topic,
};
// So that modules name them as `crate::id` and `crate::rate`.
use highwater_types::{id, rate};

pub use self::{
    auth::{AuthConfig, Secret},
    backplane::BackplaneUrl,
    broker::{BrokerConfig, BrokerError},
    config::{NodeConfig, NodeLimits, Routing},
    consumer::ConsumerConfig,
    gateway::{GatewayConfig, GatewayError, GatewayLimits, GatewayPolicy, LoadMetric},
    listen::{ListenSockets, listen},
    node::{LoadSource, NodeError},
    tls::ServerTls,
};
