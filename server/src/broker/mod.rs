//! The embedded broker: a small TCP server that joins the nodes of one machine.
//!
//! ```text
//! node ◄──► connection ◄──► hub         (views, unicast, topics)
//! node ◄──► connection ◄──► work_queue  (telemetry, from nodes to consumers)
//! consumer ◄──► connection ◄──┘
//! ```
//!
//! The files, in reading order: `config`, `admission` (limits of connections), `handshake` (the
//! first frames), `topics` (subscriptions), `hub` (members), `connection` (reading and writing),
//! `run` (listener and members), `work_queue` (telemetry). The frames are with their clients, in
//! `backplane::local` and `ingest::local_protocol`.
//!
//! A broker that has no cluster secret takes any process for a node, so it listens on loopback
//! only. With and without a secret it bounds the memory that peers can make it hold.

mod admission;
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
