//! The WebSocket handshake of a device (RFC 6455, section 4).
//!
//! This module replaces tungstenite's own handshake, which leaves 4 KiB of read buffer
//! behind in every socket that it opens.

use std::time::{Duration, SystemTime};

use highwater_reports::record::FailureExample;
use highwater_scenarios::plan::Compression;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::{
    handshake::{client::generate_key, derive_accept_key},
    http::Uri,
};
use tokio_util::either::Either;

use super::{
    compression::{
        negotiation::{DeflateParams, InvalidExtensions, accept_extensions, offer},
        stream::InflateStream,
    },
    connect_error::ConnectError,
    connect_failure::{ConnectFailure, HandshakeFault},
    connect_request::ConnectRequest,
    message_socket::MessageSocket,
};
use crate::worker::{
    dialect::MAX_SERVER_DELAY,
    failure_examples::text_of,
    http::{redirect_of, status_text},
    node_name::parse_node_name,
    observer::{SocketEvent, observe},
};

/// Longest response to the upgrade request, in bytes.
const RESPONSE_LIMIT: usize = 8 * 1024;
/// Most header fields in that response.
const FIELDS_LIMIT: usize = 64;

/// An open socket.
pub type DeviceSocket = MessageSocket<DeviceStream>;

/// The stream of an open socket: a connection, or one whose frames are inflated. The state of
/// compression is boxed: a socket without it must not pay for its size.
pub type DeviceStream = Either<DeviceConnection, Box<InflateStream<DeviceConnection>>>;

/// A connection to the system: plain TCP, or TLS over it. The TLS state is boxed: a plain
/// socket must not pay for its size.
pub type DeviceConnection = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// A successful attempt to open a socket.
pub struct OpenedSocket {
    /// The open socket.
    pub socket: DeviceSocket,
    /// The node that holds the other end, where the answer names it.
    pub node: Option<String>,
    /// Whether the server agreed to compression.
    pub is_compressed: bool,
}

/// Upgrades `stream` to a WebSocket at `uri`.
pub(super) async fn websocket_handshake(
    mut stream: DeviceConnection,
    uri: &Uri,
    request: &ConnectRequest<'_>,
) -> Result<OpenedSocket, ConnectError> {
    let key = generate_key();
    let dialect = request.dialect;
    let options = request.client_options;
    let lines = [dialect.upgrade_header_lines(), request.header_lines].concat();
    let extensions = offer(options.compression());
    let head = upgrade_request(&options.host_field(uri), uri, &key, extensions, &lines);
    observe(|| SocketEvent::UpgradeRequest(&head));
    stream.write_all(head.as_bytes()).await?;
    // TLS holds what is written until it is flushed.
    stream.flush().await?;
    let expected = ExpectedUpgrade {
        key: &key,
        node_header: dialect.node_header(),
        subprotocols: options.subprotocols(),
        compression: options.compression(),
    };
    let mut response = Vec::with_capacity(512);
    // A response comes in any number of pieces. Each piece parses the whole head again, which
    // one packet usually holds.
    let accepted = loop {
        if stream.read_buf(&mut response).await? == 0 {
            let error = "the server closed the connection without an answer";
            return Err(ConnectError::new(ConnectFailure::Reset, error));
        }
        let parsed = parse_upgrade_response(&response, &expected);
        match parsed.map_err(|cause| invalid_answer(cause, &response, request))? {
            Some(UpgradeAnswer::Accepted(accepted)) => break accepted,
            Some(UpgradeAnswer::Rejected(rejected)) => {
                observe(|| SocketEvent::UpgradeResponse(&response));
                return Err(rejected.error(&response));
            }
            None => {}
        }
        if response.len() > RESPONSE_LIMIT {
            return Err(invalid_answer(
                ConnectFailure::ResponseTooLarge,
                &response,
                request,
            ));
        }
    };
    observe(|| SocketEvent::UpgradeResponse(&response[..accepted.head_len]));
    // The server may send its first frames together with the response.
    let early = response.split_off(accepted.head_len);
    let (stream, early) = match accepted.deflate {
        None => (DeviceStream::Left(stream), early),
        Some(params) => {
            let stream = InflateStream::new(stream, early, params);
            (DeviceStream::Right(Box::new(stream)), Vec::new())
        }
    };
    let socket = MessageSocket::new(stream, &early, request.max_message_bytes);
    Ok(OpenedSocket {
        socket,
        node: accepted.node,
        is_compressed: accepted.deflate.is_some(),
    })
}

fn upgrade_request(
    host: &str,
    uri: &Uri,
    key: &str,
    extensions: Option<&str>,
    header_lines: &str,
) -> String {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    // RFC 6455, section 3, and RFC 9112, section 3.2.1: an empty path is written as `/`.
    let slash = if target.starts_with('/') { "" } else { "/" };
    let extensions = extensions.map_or_else(String::new, |extensions| {
        format!("Sec-WebSocket-Extensions: {extensions}\r\n")
    });
    format!(
        "GET {slash}{target} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
         {extensions}{header_lines}\r\n"
    )
}

/// Describes an answer that is not a WebSocket server's, too long, or not in an offered
/// subprotocol.
fn invalid_answer(
    cause: ConnectFailure,
    response: &[u8],
    request: &ConnectRequest<'_>,
) -> ConnectError {
    let example = match cause {
        // What is not HTTP often says what it is, as `SSH-2.0-…` does.
        ConnectFailure::Handshake(HandshakeFault::NotHttp) => FailureExample {
            body: Some(text_of(response)),
            ..FailureExample::default()
        },
        ConnectFailure::Handshake(fault) => FailureExample::of_error(fault.in_words()),
        ConnectFailure::ResponseTooLarge => FailureExample::of_error(format!(
            "the head of the answer is longer than {} KiB or {FIELDS_LIMIT} fields",
            RESPONSE_LIMIT / 1024
        )),
        _ => {
            let offered = request.client_options.subprotocols().join(", ");
            FailureExample::of_error(format!("offered {offered}"))
        }
    };
    ConnectError::with_example(cause, example)
}

/// The answer that a device hopes for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExpectedUpgrade<'a> {
    /// The key of the request.
    pub(crate) key: &'a str,
    /// The header field that names the node.
    pub(crate) node_header: &'a str,
    /// The subprotocols that were offered.
    pub(crate) subprotocols: &'a [String],
    /// The compression that was offered.
    pub(crate) compression: Compression,
}

/// A complete answer to an upgrade request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UpgradeAnswer {
    /// The socket is open.
    Accepted(UpgradeAccepted),
    /// The status is not 101.
    Rejected(UpgradeRejected),
}

/// A response that accepts the socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UpgradeAccepted {
    /// Length of its head in bytes, with all interim responses.
    pub(crate) head_len: usize,
    /// The node that it names.
    pub(crate) node: Option<String>,
    /// The parameters of compression, if the server agrees to it.
    pub(crate) deflate: Option<DeflateParams>,
}

/// A response that rejects the socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UpgradeRejected {
    /// Length of its head in bytes, with all interim responses.
    pub(crate) head_len: usize,
    status: u16,
    /// The reason phrase; empty where the server sends none.
    reason: String,
    /// The delay that it asks for.
    retry_after: Option<Duration>,
    /// The address that it redirects to.
    location: Option<Vec<u8>>,
}

impl UpgradeRejected {
    /// Returns the failure that it is. `response` holds the head and the part of the body that
    /// came with it: no connection waits for more.
    fn error(&self, response: &[u8]) -> ConnectError {
        let example = FailureExample {
            status: Some(status_text(self.status, &self.reason)),
            location: self.location.as_deref().map(redirect_of),
            body: Some(text_of(&response[self.head_len..])),
            ..FailureExample::default()
        };
        let cause = ConnectFailure::Rejected {
            status: self.status,
            retry_after: self.retry_after,
        };
        ConnectError::with_example(cause, example)
    }
}

/// Parses the response to an upgrade request; `None` until its head is complete.
pub(crate) fn parse_upgrade_response(
    response: &[u8],
    expected: &ExpectedUpgrade<'_>,
) -> Result<Option<UpgradeAnswer>, ConnectFailure> {
    let mut start = 0;
    loop {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_LIMIT];
        let mut parsed = httparse::Response::new(&mut fields);
        let head_len = match parsed.parse(&response[start..]) {
            Ok(httparse::Status::Complete(length)) => start + length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(ConnectFailure::ResponseTooLarge),
            Err(_) => return Err(ConnectFailure::Handshake(HandshakeFault::NotHttp)),
        };
        match parsed.code.unwrap_or_default() {
            101 => return accepted(head_len, parsed.headers, expected).map(Some),
            // RFC 9110, section 15.2: a client reads past interim responses.
            100..=199 => start = head_len,
            status => {
                return Ok(Some(UpgradeAnswer::Rejected(UpgradeRejected {
                    head_len,
                    status,
                    reason: parsed.reason.unwrap_or_default().to_owned(),
                    retry_after: retry_after(parsed.headers, SystemTime::now()),
                    location: header(parsed.headers, "location").map(<[u8]>::to_vec),
                })));
            }
        }
    }
}

fn accepted(
    head_len: usize,
    fields: &[httparse::Header<'_>],
    expected: &ExpectedUpgrade<'_>,
) -> Result<UpgradeAnswer, ConnectFailure> {
    // RFC 6455, section 4.1: without the right proof the answer is not a WebSocket
    // server's.
    let accept = header(fields, "sec-websocket-accept");
    if accept != Some(derive_accept_key(expected.key.as_bytes()).as_bytes()) {
        return Err(ConnectFailure::Handshake(HandshakeFault::WrongProof));
    }
    check_subprotocol(
        header(fields, "sec-websocket-protocol"),
        expected.subprotocols,
    )?;
    let extensions = fields
        .iter()
        .filter(|field| field.name.eq_ignore_ascii_case("sec-websocket-extensions"))
        .map(|field| field.value);
    let deflate = accept_extensions(extensions, expected.compression)
        .map_err(|InvalidExtensions| ConnectFailure::Handshake(HandshakeFault::Extensions))?;
    let node = header(fields, expected.node_header).and_then(parse_node_name);
    Ok(UpgradeAnswer::Accepted(UpgradeAccepted {
        head_len,
        node: node.map(str::to_owned),
        deflate,
    }))
}

/// Checks the subprotocol that the server chose. RFC 6455, section 4.1: it must be one of
/// those that were offered. A server that chooses none does not speak any of them.
fn check_subprotocol(chosen: Option<&[u8]>, offered: &[String]) -> Result<(), ConnectFailure> {
    let is_offered = |chosen: &[u8]| offered.iter().any(|name| name.as_bytes() == chosen);
    match chosen {
        Some(chosen) if is_offered(chosen) => Ok(()),
        None if offered.is_empty() => Ok(()),
        _ => Err(ConnectFailure::Subprotocol),
    }
}

fn header<'a>(fields: &[httparse::Header<'a>], name: &str) -> Option<&'a [u8]> {
    let field = fields
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case(name))?;
    Some(field.value)
}

/// Parses `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3).
fn retry_after(fields: &[httparse::Header<'_>], now: SystemTime) -> Option<Duration> {
    let text = |name| {
        std::str::from_utf8(header(fields, name)?)
            .ok()
            .map(str::trim)
    };
    let value = text("retry-after")?;
    let delay = match value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
        // More seconds than a number holds are more than the limit.
        true => Duration::from_secs(value.parse().unwrap_or(u64::MAX)),
        false => {
            let date = httpdate::parse_http_date(value).ok()?;
            // Against the server's own clock where it tells it, because the two differ.
            let own = text("date").and_then(|date| httpdate::parse_http_date(date).ok());
            date.duration_since(own.unwrap_or(now)).unwrap_or_default()
        }
    };
    Some(delay.min(MAX_SERVER_DELAY))
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

    fn parse(response: &str) -> Result<Option<UpgradeAnswer>, ConnectFailure> {
        parse_offered(response, &[])
    }

    fn parse_offered(
        response: &str,
        subprotocols: &[String],
    ) -> Result<Option<UpgradeAnswer>, ConnectFailure> {
        let expected = ExpectedUpgrade {
            key: KEY,
            node_header: NODE_HEADER,
            subprotocols,
            compression: Compression::None,
        };
        parse_upgrade_response(response.as_bytes(), &expected)
    }

    #[test]
    fn response_is_accepted_only_with_the_right_proof() {
        let good = response("101 Switching Protocols", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let accepted = UpgradeAccepted {
            head_len: good.len(),
            node: None,
            deflate: None,
        };
        assert_eq!(parse(&good), Ok(Some(UpgradeAnswer::Accepted(accepted))));
        assert_eq!(parse(&good[..20]), Ok(None));
        let wrong = response("101 Switching Protocols", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert_eq!(
            parse(&wrong),
            Err(ConnectFailure::Handshake(HandshakeFault::WrongProof))
        );
        let full = response("503 Service Unavailable", "");
        let Ok(Some(UpgradeAnswer::Rejected(rejected))) = parse(&full) else {
            panic!("{full} is a rejection");
        };
        assert_eq!((rejected.status, rejected.retry_after), (503, None));
        assert_eq!(
            parse("SSH-2.0-OpenSSH"),
            Err(ConnectFailure::Handshake(HandshakeFault::NotHttp))
        );
    }

    #[test]
    fn response_names_its_node_only_with_a_valid_name() {
        let node = |value: &str| {
            let accept = format!("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Highwater-Node: {value}");
            let response = response("101 Switching Protocols", &accept);
            match parse(&response) {
                Ok(Some(UpgradeAnswer::Accepted(accepted))) => accepted.node,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(node("n3").as_deref(), Some("n3"));
        assert_eq!(node("n 3"), None);
        assert_eq!(node(&"n".repeat(65)), None);
    }

    #[test]
    fn interim_responses_come_before_the_answer() {
        let good = response("101 Switching Protocols", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let early =
            format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\n{good}");
        let accepted = UpgradeAccepted {
            head_len: early.len(),
            node: None,
            deflate: None,
        };
        assert_eq!(parse(&early), Ok(Some(UpgradeAnswer::Accepted(accepted))));
        assert_eq!(parse("HTTP/1.1 100 Continue\r\n\r\n"), Ok(None));
    }

    #[test]
    fn subprotocol_must_be_one_that_was_offered() {
        let answer = |chosen: &str, offered: &[&str]| {
            let accept = format!("s3pPLMBiTxaQ9kYGzzhZRbK+xOo={chosen}");
            let response = response("101 Switching Protocols", &accept);
            let offered: Vec<String> = offered.iter().map(|name| (*name).to_owned()).collect();
            parse_offered(&response, &offered).map(|answer| answer.is_some())
        };
        let chosen = "\r\nSec-WebSocket-Protocol: mqtt";
        assert_eq!(answer(chosen, &["stomp", "mqtt"]), Ok(true));
        assert_eq!(answer("", &[]), Ok(true));
        for (chosen, offered) in [(chosen, &[][..]), (chosen, &["MQTT"]), ("", &["mqtt"])] {
            assert_eq!(answer(chosen, offered), Err(ConnectFailure::Subprotocol));
        }
    }

    #[test]
    fn request_target_begins_with_a_slash() {
        for (address, line) in [
            ("ws://h:1?device=d", "GET /?device=d HTTP/1.1"),
            ("ws://h:1", "GET / HTTP/1.1"),
            ("ws://h:1/ws?a=/b", "GET /ws?a=/b HTTP/1.1"),
        ] {
            let request = upgrade_request("h:1", &address.parse().unwrap(), KEY, None, "");
            assert_eq!(request.lines().next(), Some(line));
        }
    }

    #[test]
    fn extension_that_was_not_offered_fails_the_handshake() {
        let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Extensions: ";
        let answer = |extensions: &str, compression| {
            let expected = ExpectedUpgrade {
                key: KEY,
                node_header: NODE_HEADER,
                subprotocols: &[],
                compression,
            };
            let response = response("101 Switching", &format!("{accept}{extensions}"));
            match parse_upgrade_response(response.as_bytes(), &expected)? {
                Some(UpgradeAnswer::Accepted(accepted)) => Ok(accepted.deflate),
                other => panic!("{other:?}"),
            }
        };
        let deflate = "permessage-deflate";
        assert_eq!(
            answer(deflate, Compression::None),
            Err(ConnectFailure::Handshake(HandshakeFault::Extensions))
        );
        assert_eq!(answer("", Compression::None), Ok(None));
        let params = DeflateParams {
            has_context_takeover: true,
        };
        assert_eq!(
            answer(deflate, Compression::PermessageDeflate),
            Ok(Some(params))
        );
    }

    #[test]
    fn socket_without_compression_is_no_larger() {
        assert_eq!(size_of::<DeviceStream>(), size_of::<DeviceConnection>());
    }

    #[test]
    fn head_above_the_limits_has_a_failure_of_its_own() {
        let fields = "A: b\r\n".repeat(FIELDS_LIMIT + 1);
        let many = format!("HTTP/1.1 101 Switching\r\n{fields}\r\n");
        assert_eq!(parse(&many), Err(ConnectFailure::ResponseTooLarge));
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_date_and_bounded() {
        let after = |lines: &str| {
            let response = format!("HTTP/1.1 503 Full\r\nRetry-After: {lines}\r\n\r\n");
            match parse(&response) {
                Ok(Some(UpgradeAnswer::Rejected(rejected))) => rejected.retry_after,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("99999999999"), Some(MAX_SERVER_DELAY));
        assert_eq!(after("99999999999999999999999"), Some(MAX_SERVER_DELAY));
        let date = "Fri, 31 Dec 1999 23:59:59 GMT";
        assert_eq!(after(date), Some(Duration::ZERO));
        let with_clock = format!("{date}\r\nDate: Fri, 31 Dec 1999 23:59:50 GMT");
        assert_eq!(after(&with_clock), Some(Duration::from_secs(9)));
        for unknown in ["", "soon", "-1", "+1", "1.5"] {
            assert_eq!(after(unknown), None, "{unknown}");
        }
    }
}
