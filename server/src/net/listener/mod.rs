//! Connections at a listener: their admission, and HTTP on them.
//!
//! In reading order: `listeners` (the public and the admin listener), `accept` (from the accept
//! queue to a task), `serve` (HTTP on one connection), `host` (its check of `Host`), `metrics`
//! (counters).

mod accept;
mod host;
mod listeners;
mod metrics;
mod serve;

pub(crate) use self::{
    accept::{ConnectionTimeouts, Listener, ListenerTls, run},
    listeners::{ListenerSet, Listeners, Routes, spawn},
    metrics::{HandshakeMetrics, ListenerMetrics},
    serve::PeerAddr,
};
