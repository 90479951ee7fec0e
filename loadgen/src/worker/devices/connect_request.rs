//! The request to open a socket.

use crate::{
    access::ClientOptions,
    worker::{dialect::Dialect, source_address::SourceAddresses},
};

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
    /// The local addresses and ports.
    pub sources: &'a SourceAddresses,
    /// The device's number among the worker's, from 0.
    pub device_number: u32,
}
