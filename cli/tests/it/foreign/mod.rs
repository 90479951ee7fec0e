//! Servers that are not ours: what they do must show in the counts and in the verdict.
//!
//! - [`server`]: a server whose every answer a test scripts;
//! - [`sockets`]: handshakes and sockets;
//! - [`requests`]: commands and event streams;
//! - [`metrics`]: what their endpoints say;
//! - [`observe`]: metrics that a scenario names, and other sources than endpoints.

mod metrics;
mod observe;
mod requests;
mod server;
mod sockets;
