//! Servers that are not ours: what they do must show in the counts and in the verdict.
//!
//! - [`server`]: a server whose every answer a test scripts;
//! - [`sockets`]: handshakes and sockets;
//! - [`requests`]: commands and event streams;
//! - [`frames`]: protocols that a scenario declares, spoken over a [`conversation`];
//! - [`metrics`]: what their endpoints say.

mod conversation;
mod frames;
mod metrics;
mod requests;
pub(crate) mod server;
mod sockets;
