//! Servers that are not ours: what they do must show in the counts and in the verdict.
//!
//! - [`server`]: a server whose every answer a test scripts;
//! - [`sockets`]: handshakes and sockets;
//! - [`login`]: logins, and the values of data files;
//! - [`requests`]: commands and event streams;
//! - [`frames`]: protocols that a scenario declares, spoken over a [`conversation`];
//! - [`exchanges`], [`frame_replies`]: messages of devices, and replies on their sockets;
//! - [`metrics`]: what their endpoints say;
//! - [`observe`]: metrics that a scenario names, and other sources than endpoints;
//! - [`failures`]: what the report says of a failure.

mod conversation;
mod exchanges;
mod failures;
mod frame_replies;
mod frames;
mod login;
mod metrics;
mod observe;
mod requests;
pub(crate) mod server;
mod sockets;
