//! Servers that are not ours: what they do must show in the counts and in the verdict.
//!
//! - [`server`]: a server whose every answer a test scripts;
//! - [`sockets`]: handshakes and sockets;
//! - [`requests`]: commands and event streams;
//! - [`frames`]: protocols that a scenario declares, spoken over a [`conversation`];
//! - [`exchanges`], [`frame_replies`]: messages of devices, and replies on their sockets;
//! - [`metrics`]: what their endpoints say.

mod conversation;
mod exchanges;
mod frame_replies;
mod frames;
mod metrics;
mod requests;
mod server;
mod sockets;
