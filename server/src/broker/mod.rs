//! The embedded broker: a small TCP server that joins the nodes of one machine.
//!
//! ```text
//! node ◄──► connection ◄──► hub         (views, unicast, topics)
//! node ◄──► connection ◄──► work_queue  (telemetry, from nodes to consumers)
//! consumer ◄──► connection ◄──┘
//! ```
//!
//! The files, in reading order: `config`, `handshake` (the first frame), `hub` (members and
//! topics), `connection` (reading and writing), `run` (listener and members), `work_queue`
//! (telemetry). The frames are with their clients, in `backplane::local::protocol` and
//! `ingest::local_protocol`.

mod config;
mod connection;
mod handshake;
mod hub;
mod run;
mod work_queue;

pub use self::{
    config::BrokerConfig,
    run::{BrokerError, run},
};
