//! The embedded broker: a small TCP server that joins the nodes of one machine.
//!
//! ```text
//! node ◄──► connection ◄──► hub         (views, unicast, topics)
//! node ◄──► connection ◄──► work_queue  (telemetry, from nodes to consumers)
//! consumer ◄──► connection ◄──┘
//! ```
//!
//! In reading order:
//!
//! - `config`; `admission`: limits of connections;
//! - `run`: the listeners; `server`: a connection from its handshake to its end;
//! - `handshake`: the first frames; `connection`: reading and writing;
//! - `hub`: members; `topics`: their subscriptions; `liveness`: members that are silent;
//! - `work_queue`: telemetry;
//! - `metrics`: the counters of the limits; `export`: the page of `/metrics`; `http`: the admin
//!   listener.
//!
//! The frames are with their clients, in `backplane::local` and `ingest::local_protocol`.
//!
//! A broker that has no cluster secret takes any process for a node, so it listens on loopback
//! only. With and without a secret it bounds the memory that peers can make it hold.

mod admission;
mod config;
mod connection;
mod export;
mod handshake;
mod http;
mod hub;
mod liveness;
mod metrics;
mod run;
mod server;
#[cfg(test)]
mod tests;
mod topics;
mod work_queue;

pub use self::{
    config::BrokerConfig,
    run::{BrokerError, run},
};
