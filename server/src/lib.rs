//! The reference clustered WebSocket server, and the embedded broker that joins
//! its nodes on one machine.
//!
//! In reading order: [`config`] (what a node is told), [`node`] (its life), [`rate`] and
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

mod api;
pub mod auth;
pub mod backplane;
pub mod broker;
mod cluster;
pub mod consumer;
mod faults;
#[doc(hidden)]
pub mod fuzzing;
pub mod gateway;
mod id;
mod ingest;
mod intake;
mod limits;
mod message;
mod metric;
mod net;
pub mod node;
pub mod rate;
mod session;

pub use self::{
    auth::{AuthConfig, Secret},
    backplane::BackplaneUrl,
    broker::{BrokerConfig, BrokerError},
    cluster::{Routing, UnknownRouting},
    consumer::ConsumerConfig,
    gateway::{GatewayConfig, GatewayError, GatewayLimits, GatewayPolicy, LoadMetric},
    id::{ClusterName, ConsumerGroup, DeviceId, InvalidName, NodeId, TelemetryId, Topic},
    limits::NodeLimits,
    net::{
        listen::{ListenSockets, listen},
        tls::{self, ServerTls},
    },
    node::{LoadSource, NodeConfig, NodeError},
    rate::Rate,
};
