//! The request to open a socket.

use tokio_rustls::TlsConnector;

use crate::worker::dialect::Dialect;

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
    /// The subprotocols that the header lines offer.
    pub subprotocols: &'a [String],
    /// TLS, for a `wss` address.
    pub tls: &'a TlsConnector,
    /// The worker's number, from 0.
    pub worker_index: u32,
    /// The device's number among the worker's, from 0.
    pub device_number: u32,
}
