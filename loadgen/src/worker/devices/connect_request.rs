//! The request to open a socket.

use crate::{access::ClientOptions, worker::dialect::Dialect};

/// A socket that is to be opened.
#[derive(Clone, Copy)]
pub struct ConnectRequest<'a> {
    /// `ws://HOST[:PORT]/…`, or `wss://`.
    pub address: &'a str,
    /// The dialect of the system.
    pub dialect: &'a dyn Dialect,
    /// Further header lines of the upgrade request, each with its CR LF.
    pub header_lines: &'a str,
    /// Longest message that the device accepts, in bytes.
    pub max_message_bytes: usize,
    /// TLS, the proxy, and the offers that the header lines make.
    pub client_options: &'a ClientOptions,
    /// The worker's number, from 0.
    pub worker_index: u32,
    /// The device's number among the worker's, from 0.
    pub device_number: u32,
}
