//! Shared parts of the proxies.

use crate::probe;

/// The port of a node in the documents' examples.
pub(crate) const DEFAULT_NODE_PORT: u16 = 8080;

/// Whether the proxy at this port speaks HTTP. What it forwards to may not be there:
/// then it says so itself.
pub(crate) fn is_ready(port: u16) -> bool {
    let question = b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
    probe::answers_with(port, question, |answer| answer.starts_with(b"HTTP/1."))
}
