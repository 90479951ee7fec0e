//! Connections at a listener: their admission, and HTTP on them.
//!
//! ```text
//! accept ─► connections ─► proxy_protocol ─► TLS ─► serve ─► client ─► router
//!                                                     │         └─ forwarded
//!                                                     └─► host, counted_body
//! ```
//!
//! In reading order:
//! - `listeners`: the public and the admin listener; `accept`: the accept queue;
//!   `rules`: the routes and limits of a listener;
//! - `connections`: the task of a connection;
//! - `proxy_protocol`: the client that a proxy names before TLS;
//! - `serve`: HTTP on one connection; `host`: its check of `Host`;
//! - `client`, `forwarded`: the client that a proxy names in a request;
//! - `counted_body`: the end of a request;
//! - `receive_delay`: the time that a request has waited;
//! - `metrics`: the counters.

mod accept;
mod client;
mod connections;
mod counted_body;
mod forwarded;
mod host;
mod listeners;
mod metrics;
pub(crate) mod proxy_protocol;
mod receive_delay;
mod rules;
mod serve;

pub(crate) use self::{
    accept::run,
    client::{Client, TrustedPeers},
    forwarded::{X_FORWARDED_FOR, X_FORWARDED_PROTO},
    listeners::{ListenerSet, Listeners, Routes, spawn},
    metrics::{HandshakeMetrics, ListenerMetrics},
    receive_delay::ReceiveDelay,
    rules::{ConnectionTimeouts, Listener, ListenerTls, Rejections},
};
