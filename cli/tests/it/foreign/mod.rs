//! Servers that are not ours: what they do must show in the counts and in the verdict.
//!
//! - [`server`]: a server whose every answer a test scripts;
//! - [`sockets`]: handshakes and sockets;
//! - [`login`]: logins, and the values of data files;
//! - [`requests`]: commands and event streams;
//! - [`metrics`]: what their endpoints say.

mod login;
mod metrics;
mod requests;
mod server;
mod sockets;
