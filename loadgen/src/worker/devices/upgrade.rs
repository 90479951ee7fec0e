//! The WebSocket handshake of a device (RFC 6455, section 4).
//!
//! This module replaces tungstenite's own handshake, which leaves 4 KiB of read buffer
//! behind in every socket that it opens. Frames are tungstenite's.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::{client::generate_key, derive_accept_key},
        http::Uri,
        protocol::{Role, WebSocketConfig},
    },
};
use tokio_util::either::Either;

use super::connect_failure::ConnectFailure;
use crate::worker::{
    dialect::{Dialect, MAX_SERVER_DELAY},
    node_name::parse_node_name,
};

/// Longest response to the upgrade request, in bytes.
const RESPONSE_LIMIT: usize = 8 * 1024;
/// Most header fields in that response.
const FIELDS_LIMIT: usize = 64;
/// Longest message that a device accepts, in bytes.
const MESSAGE_LIMIT: usize = 1 << 20;
/// tungstenite's read buffer per socket, in bytes. Its default of 128 KiB would be the
/// largest part of an idle socket by far.
const READ_BUFFER: usize = 512;

/// An open socket.
pub type DeviceSocket = WebSocketStream<DeviceStream>;

/// A connection to the system: plain TCP, or TLS over it. The TLS state is boxed: a plain
/// socket must not pay for its size.
pub type DeviceStream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// A successful attempt to open a socket.
pub struct OpenedSocket {
    /// The open socket.
    pub socket: DeviceSocket,
    /// The node that holds the other end, where the answer names it.
    pub node: Option<String>,
}

/// Upgrades `stream` to a WebSocket. `header_lines` are added to the dialect's own.
pub(super) async fn websocket_handshake(
    mut stream: DeviceStream,
    uri: &Uri,
    dialect: &dyn Dialect,
    header_lines: &str,
) -> Result<OpenedSocket, ConnectFailure> {
    let key = generate_key();
    let request = upgrade_request(uri, &key, dialect.upgrade_header_lines(), header_lines);
    stream.write_all(request.as_bytes()).await?;
    // TLS holds what is written until it is flushed.
    stream.flush().await?;
    let mut response = Vec::with_capacity(512);
    // A response comes in any number of pieces. Each piece parses the whole head again, which
    // one packet usually holds.
    let accepted = loop {
        if stream.read_buf(&mut response).await? == 0 {
            return Err(ConnectFailure::Reset);
        }
        if let Some(accepted) = parse_upgrade_response(&response, &key, dialect.node_header())? {
            break accepted;
        }
        if response.len() > RESPONSE_LIMIT {
            return Err(ConnectFailure::Handshake);
        }
    };
    // The server may send its first frames together with the response.
    let early = response.split_off(accepted.head_len);
    let config = Some(websocket_config());
    let socket = WebSocketStream::from_partially_read(stream, early, Role::Client, config).await;
    Ok(OpenedSocket {
        socket,
        node: accepted.node,
    })
}

fn upgrade_request(uri: &Uri, key: &str, dialect_lines: &str, header_lines: &str) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nUser-Agent: highwater/{}\r\n\
         {dialect_lines}{header_lines}\r\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// A response that accepts the socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UpgradeAccepted {
    /// Length of its head in bytes.
    pub(crate) head_len: usize,
    /// The node that it names.
    pub(crate) node: Option<String>,
}

/// Parses the response to the upgrade request with `key`; `None` until its head is
/// complete.
pub(crate) fn parse_upgrade_response(
    response: &[u8],
    key: &str,
    node_header: &str,
) -> Result<Option<UpgradeAccepted>, ConnectFailure> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_LIMIT];
    let mut parsed = httparse::Response::new(&mut fields);
    let head_len = match parsed.parse(response) {
        Ok(httparse::Status::Complete(head_len)) => head_len,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(ConnectFailure::Handshake),
    };
    if parsed.code != Some(101) {
        let retry_after = retry_after(parsed.headers);
        return Err(ConnectFailure::Rejected { retry_after });
    }
    // RFC 6455, section 4.1: without the right proof the answer is not a WebSocket
    // server's.
    let accept = header(parsed.headers, "sec-websocket-accept");
    if accept != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(ConnectFailure::Handshake);
    }
    let node = header(parsed.headers, node_header).and_then(parse_node_name);
    Ok(Some(UpgradeAccepted {
        head_len,
        node: node.map(str::to_owned),
    }))
}

fn header<'a>(fields: &[httparse::Header<'a>], name: &str) -> Option<&'a [u8]> {
    let field = fields
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case(name))?;
    Some(field.value)
}

/// Parses `Retry-After` in seconds. A date is ignored: it needs the server's clock.
fn retry_after(fields: &[httparse::Header<'_>]) -> Option<Duration> {
    let value = std::str::from_utf8(header(fields, "retry-after")?).ok()?;
    let seconds = value.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_SERVER_DELAY))
}

fn websocket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        // Every frame is written at once, so that the buffer never grows and stays.
        .write_buffer_size(0)
        // The default, no limit, would let a peer that reads nothing fill the worker.
        .max_write_buffer_size(MESSAGE_LIMIT)
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 6455, section 1.3.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const NODE_HEADER: &str = "x-highwater-node";

    fn response(status: &str, accept: &str) -> String {
        format!("HTTP/1.1 {status}\r\nUpgrade: websocket\r\nsec-websocket-accept: {accept}\r\n\r\n")
    }

    fn parse(response: &str) -> Result<Option<UpgradeAccepted>, ConnectFailure> {
        parse_upgrade_response(response.as_bytes(), KEY, NODE_HEADER)
    }

    #[test]
    fn response_is_accepted_only_with_the_right_proof() {
        let good = response("101 Switching Protocols", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let accepted = UpgradeAccepted {
            head_len: good.len(),
            node: None,
        };
        assert_eq!(parse(&good), Ok(Some(accepted)));
        assert_eq!(parse(&good[..20]), Ok(None));
        let wrong = response("101 Switching Protocols", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert_eq!(parse(&wrong), Err(ConnectFailure::Handshake));
        let full = response("503 Service Unavailable", "");
        let rejected = ConnectFailure::Rejected { retry_after: None };
        assert_eq!(parse(&full), Err(rejected));
        assert_eq!(parse("SSH-2.0-OpenSSH"), Err(ConnectFailure::Handshake));
    }

    #[test]
    fn response_names_its_node_only_with_a_valid_name() {
        let node = |value: &str| {
            let accept = format!("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Highwater-Node: {value}");
            let response = response("101 Switching Protocols", &accept);
            parse(&response).unwrap().unwrap().node
        };
        assert_eq!(node("n3").as_deref(), Some("n3"));
        assert_eq!(node("n 3"), None);
        assert_eq!(node(&"n".repeat(65)), None);
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_bounded() {
        let after = |value: &str| {
            let response = format!("HTTP/1.1 503 Full\r\nRetry-After: {value}\r\n\r\n");
            match parse(&response) {
                Err(ConnectFailure::Rejected { retry_after }) => retry_after,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("99999999999"), Some(MAX_SERVER_DELAY));
        for unknown in ["", "soon", "-1", "Fri, 31 Dec 1999 23:59:59 GMT"] {
            assert_eq!(after(unknown), None, "{unknown}");
        }
    }
}
