//! Nodes and brokers in this process, on free ports, driven over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod backplane;
mod broker;
mod browsers;
mod cluster;
mod commands;
mod drain;
mod echo;
mod essential_tasks;
mod faults;
mod fuzz;
mod gateway;
mod ground;
mod ingest;
mod membership;
mod metrics;
mod operations;
mod overload;
mod promtool;
mod rig;
mod security;
mod sockets;
mod standards;
#[cfg(feature = "stomp")]
mod stomp;
mod streams;
mod topics;
