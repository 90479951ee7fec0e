//! The embedded broker: a small TCP server that joins the nodes of one machine.
//!
//! ```text
//! node ◄──► connection ◄──► hub         (views, unicast, topics)
//! node ◄──► connection ◄──► work_queue  (telemetry, from nodes to consumers)
//! consumer ◄──► connection ◄──┘
//! ```
//!
//! The files, in reading order: `config`, `handshake` (the first frames), `topics`
//! (subscriptions), `hub` (members), `connection` (reading and writing), `run` (listener and
//! members), `work_queue` (telemetry). The frames are with their clients, in
//! `backplane::local` and `ingest::local_protocol`.
//!
//! Without a cluster secret, any process that reaches the port can be a node. The broker then
//! listens on loopback only. In any case it bounds the memory that peers can make it hold.

mod config;
mod connection;
mod handshake;
mod hub;
mod run;
#[cfg(test)]
mod tests;
mod topics;
mod work_queue;

pub use self::{
    config::BrokerConfig,
    run::{BrokerError, run},
};
