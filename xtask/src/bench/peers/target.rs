//! The server under load, by name.

use clap::ValueEnum;

/// A server under load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Target {
    /// The Python server of examples/targets/json-heartbeat, with heartbeats in JSON
    Json,
    /// Highwater's reference node, with WebSocket pings as heartbeats
    Node,
}
