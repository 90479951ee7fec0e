//! An attempt to open a socket, and how it can fail.
//!
//! The opening handshake is written here rather than taken from tungstenite,
//! whose own leaves 4 KiB of read buffer behind in every socket it opens.

use std::{io, net::SocketAddr, time::Duration};

use nix::{
    errno::Errno,
    sys::socket::{setsockopt, sockopt::IpBindAddressNoPort},
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::{client::generate_key, derive_accept_key},
        http::Uri,
        protocol::{Role, WebSocketConfig},
    },
};
use tokio_util::either::Either;

use super::{backoff::MAX_SERVER_DELAY, source_address::source_for};
use crate::worker::node_name::{NODE_HEADER, parse_node_name};

/// Longest answer to the opening handshake, in bytes.
const RESPONSE_LIMIT: usize = 8 * 1024;
/// Most header fields in that answer.
const FIELDS_LIMIT: usize = 64;
/// Longest message that a device accepts.
const MESSAGE_LIMIT: usize = 1 << 20;

/// Most addresses of one name that are tried.
const ADDRESSES_LIMIT: usize = 8;

/// An open socket.
pub type DeviceSocket = WebSocketStream<DeviceStream>;

/// A connection to the system: plain TCP, or TLS over it. The TLS state is boxed: a
/// plain socket must not pay for its size.
pub type DeviceStream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// An attempt that succeeded.
pub struct OpenedSocket {
    /// The open socket.
    pub socket: DeviceSocket,
    /// The node that holds its other end, where the answer names it.
    pub node: Option<String>,
}

/// How an attempt failed: the KIND of `connect.failed.KIND`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectFailure {
    /// Nobody listens there.
    Refused,
    /// The connection broke during the handshake.
    Reset,
    /// No end by the pool's `connect_timeout`.
    Timeout,
    /// No TLS session: a certificate that is not trusted, no common version.
    Tls,
    /// An HTTP answer other than 101.
    Rejected {
        /// The pause that its `Retry-After` asks for.
        retry_after: Option<Duration>,
    },
    /// An answer that is not a WebSocket server's.
    Handshake,
    /// No route, no such name.
    Unreachable,
    /// The harness: no ephemeral port left.
    NoEphemeralPort,
    /// The harness: no file descriptor left.
    NoFileDescriptor,
}

impl ConnectFailure {
    /// As in `connect.failed.KIND`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Rejected { .. } => "rejected",
            Self::Handshake => "handshake",
            Self::Unreachable => "unreachable",
            Self::NoEphemeralPort => "no_port",
            Self::NoFileDescriptor => "no_file",
        }
    }

    /// Whether somebody answered who has no room at the moment.
    pub fn is_at_capacity(self) -> bool {
        matches!(
            self,
            Self::Rejected {
                retry_after: Some(_)
            }
        )
    }

    /// Whether this machine had no way to the address, or none left: nobody was asked.
    fn is_local(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::NoEphemeralPort | Self::NoFileDescriptor
        )
    }
}

impl From<io::Error> for ConnectFailure {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind;
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::TimedOut => Self::Timeout,
            ErrorKind::AddrNotAvailable | ErrorKind::AddrInUse => Self::NoEphemeralPort,
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Self::Unreachable,
            _ => match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EMFILE | Errno::ENFILE) => Self::NoFileDescriptor,
                Some(Errno::EAFNOSUPPORT) => Self::Unreachable,
                _ => Self::Reset,
            },
        }
    }
}

/// A socket that is to be opened.
#[derive(Clone, Copy)]
pub struct ConnectRequest<'a> {
    /// `ws://HOST[:PORT]/…`, or `wss://`.
    pub address: &'a str,
    /// Header lines of its own, each with its line's end.
    pub header_lines: &'a str,
    /// TLS, where the address wants it.
    pub tls: &'a TlsConnector,
    /// The worker's number, from 0.
    pub worker_index: u32,
    /// The device's among the worker's.
    pub device_number: u32,
}

/// Opens a socket.
pub async fn connect(
    wanted: ConnectRequest<'_>,
    timeout: Duration,
) -> Result<OpenedSocket, ConnectFailure> {
    tokio::time::timeout(timeout, connect_untimed(wanted))
        .await
        .unwrap_or(Err(ConnectFailure::Timeout))
}

async fn connect_untimed(wanted: ConnectRequest<'_>) -> Result<OpenedSocket, ConnectFailure> {
    let uri: Uri = wanted
        .address
        .parse()
        .map_err(|_| ConnectFailure::Unreachable)?;
    let host = uri.host().ok_or(ConnectFailure::Unreachable)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let secure = uri.scheme_str() == Some("wss");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let addresses = tokio::net::lookup_host((host, port)).await;
    let addresses = addresses.map_err(|_| ConnectFailure::Unreachable)?;
    let stream = connect_any(addresses, wanted.worker_index, wanted.device_number).await?;
    stream.set_nodelay(true)?;
    let wire = if secure {
        // Boxed: what the TLS handshake needs is not held by plain sockets.
        Box::pin(connect_tls(stream, host, wanted.tls)).await?
    } else {
        DeviceStream::Left(stream)
    };
    websocket_handshake(wire, &uri, wanted.header_lines).await
}

async fn connect_tls(
    stream: TcpStream,
    host: &str,
    tls: &TlsConnector,
) -> Result<DeviceStream, ConnectFailure> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| ConnectFailure::Tls)?;
    match tls.connect(name, stream).await {
        Ok(stream) => Ok(DeviceStream::Right(Box::new(stream))),
        Err(error) => Err(tls_failure(error)),
    }
}

/// What TLS itself refuses is told apart from a connection that broke.
fn tls_failure(error: io::Error) -> ConnectFailure {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => ConnectFailure::Tls,
        _ => error.into(),
    }
}

/// A connection to the first of a host's addresses that takes one: a server may listen
/// on one of them alone, as many do on `localhost`.
async fn connect_any(
    addresses: impl Iterator<Item = SocketAddr>,
    worker: u32,
    number: u32,
) -> Result<TcpStream, ConnectFailure> {
    let mut failure = None;
    for address in addresses.take(ADDRESSES_LIMIT) {
        match dial(address, worker, number)
            .await
            .map_err(ConnectFailure::from)
        {
            Ok(stream) => return Ok(stream),
            // A machine without IPv6 has no way to such an address: what others said
            // is more.
            Err(own) if own.is_local() && failure.is_some() => {}
            Err(other) => failure = Some(other),
        }
    }
    Err(failure.unwrap_or(ConnectFailure::Unreachable))
}

async fn dial(destination: SocketAddr, worker: u32, number: u32) -> io::Result<TcpStream> {
    let socket = match destination {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let Some(source) = source_for(destination.ip(), worker, number) {
        // The port is chosen at connect, when the destination is known: one
        // source port then serves many destinations.
        setsockopt(&socket, IpBindAddressNoPort, &true)?;
        socket.bind(source)?;
    }
    socket.connect(destination).await
}

async fn websocket_handshake(
    mut wire: DeviceStream,
    uri: &Uri,
    lines: &str,
) -> Result<OpenedSocket, ConnectFailure> {
    let key = generate_key();
    wire.write_all(upgrade_request(uri, &key, lines).as_bytes())
        .await?;
    wire.flush().await?;
    let mut answer = Vec::with_capacity(512);
    let UpgradeAccepted {
        head_len: head,
        node,
    } = loop {
        if wire.read_buf(&mut answer).await? == 0 {
            return Err(ConnectFailure::Reset);
        }
        if let Some(accepted) = parse_upgrade_response(&answer, &key)? {
            break accepted;
        }
        if answer.len() > RESPONSE_LIMIT {
            return Err(ConnectFailure::Handshake);
        }
    };
    let early = answer.split_off(head);
    let config = Some(websocket_config());
    let socket = WebSocketStream::from_partially_read(wire, early, Role::Client, config).await;
    Ok(OpenedSocket { socket, node })
}

fn upgrade_request(uri: &Uri, key: &str, lines: &str) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nUser-Agent: highwater/{}\r\n{lines}\r\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// An answer that accepts the socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UpgradeAccepted {
    /// Length of its head in bytes.
    pub(crate) head_len: usize,
    /// The node that it names.
    pub(crate) node: Option<String>,
}

/// What the answer says once its head is complete and accepts the socket.
pub(crate) fn parse_upgrade_response(
    answer: &[u8],
    key: &str,
) -> Result<Option<UpgradeAccepted>, ConnectFailure> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_LIMIT];
    let mut response = httparse::Response::new(&mut fields);
    let head = match response.parse(answer) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(ConnectFailure::Handshake),
    };
    if response.code != Some(101) {
        let retry_after = retry_after(response.headers);
        return Err(ConnectFailure::Rejected { retry_after });
    }
    let proves = response.headers.iter().any(|field| {
        field.name.eq_ignore_ascii_case("sec-websocket-accept")
            && field.value == derive_accept_key(key.as_bytes()).as_bytes()
    });
    if proves {
        let node = answering_node(response.headers);
        Ok(Some(UpgradeAccepted {
            head_len: head,
            node,
        }))
    } else {
        Err(ConnectFailure::Handshake)
    }
}

fn answering_node(fields: &[httparse::Header<'_>]) -> Option<String> {
    let field = fields
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case(NODE_HEADER))?;
    Some(parse_node_name(field.value)?.to_owned())
}

/// Seconds alone: a date would need the server's clock.
fn retry_after(fields: &[httparse::Header<'_>]) -> Option<Duration> {
    let field = fields
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case("retry-after"))?;
    let seconds = std::str::from_utf8(field.value).ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_SERVER_DELAY))
}

/// Small buffers: tungstenite's defaults hold 128 KiB for every socket.
fn websocket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(512)
        .write_buffer_size(0)
        .max_write_buffer_size(MESSAGE_LIMIT)
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ=="; // RFC 6455, section 1.3

    fn answer(status: &str, accept: &str) -> String {
        format!("HTTP/1.1 {status}\r\nUpgrade: websocket\r\nsec-websocket-accept: {accept}\r\n\r\n")
    }

    #[test]
    fn an_answer_is_accepted_only_with_the_right_proof() {
        let good = answer("101 Switching Protocols", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let whole = UpgradeAccepted {
            head_len: good.len(),
            node: None,
        };
        assert_eq!(
            parse_upgrade_response(good.as_bytes(), KEY),
            Ok(Some(whole))
        );
        assert_eq!(
            parse_upgrade_response(&good.as_bytes()[..20], KEY),
            Ok(None)
        );
        let wrong = answer("101 Switching Protocols", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert_eq!(
            parse_upgrade_response(wrong.as_bytes(), KEY),
            Err(ConnectFailure::Handshake)
        );
        let full = answer("503 Service Unavailable", "");
        assert_eq!(
            parse_upgrade_response(full.as_bytes(), KEY),
            Err(ConnectFailure::Rejected { retry_after: None })
        );
        assert_eq!(
            parse_upgrade_response(b"SSH-2.0-OpenSSH", KEY),
            Err(ConnectFailure::Handshake)
        );
    }

    #[test]
    fn an_answer_names_its_node_where_that_is_a_name() {
        let named = |value: &str| {
            let answer = answer(
                "101 Switching Protocols",
                &format!("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Highwater-Node: {value}"),
            );
            parse_upgrade_response(answer.as_bytes(), KEY)
                .unwrap()
                .unwrap()
                .node
        };
        assert_eq!(named("n3").as_deref(), Some("n3"));
        assert_eq!(named("n 3"), None);
        assert_eq!(named(&"n".repeat(65)), None);
    }

    #[test]
    fn a_server_says_when_to_come_back() {
        let after = |value: &str| {
            let answer = format!("HTTP/1.1 503 Full\r\nRetry-After: {value}\r\n\r\n");
            match parse_upgrade_response(answer.as_bytes(), KEY) {
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

    /// What a name stands for is tried one after the other.
    #[tokio::test]
    async fn a_host_is_reached_at_whichever_address_listens() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listens = listener.local_addr().unwrap();
        let v6 = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, listens.port()));
        let v4 = SocketAddr::from(([127, 0, 0, 2], listens.port()));
        let stream = connect_any([v6, v4, listens].into_iter(), 0, 0)
            .await
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listens);

        for nobody in [vec![v4, v6], vec![v6, v4]] {
            let failure = connect_any(nobody.into_iter(), 0, 0).await.unwrap_err();
            assert_eq!(failure, ConnectFailure::Refused);
        }
        let failure = connect_any([].into_iter(), 0, 0).await.unwrap_err();
        assert_eq!(failure, ConnectFailure::Unreachable);
    }

    #[test]
    fn what_tls_refuses_is_told_apart_from_a_break() {
        let kind = |kind| tls_failure(io::Error::from(kind)).kind();
        assert_eq!(kind(io::ErrorKind::InvalidData), "tls");
        assert_eq!(kind(io::ErrorKind::UnexpectedEof), "tls");
        assert_eq!(kind(io::ErrorKind::ConnectionReset), "reset");
    }

    #[test]
    fn the_harness_s_own_limits_are_told_apart() {
        let kind = |errno: Errno| ConnectFailure::from(io::Error::from(errno)).kind();
        assert_eq!(kind(Errno::EMFILE), "no_file");
        assert_eq!(kind(Errno::EADDRNOTAVAIL), "no_port");
        assert_eq!(kind(Errno::EAFNOSUPPORT), "unreachable");
        assert_eq!(kind(Errno::ECONNREFUSED), "refused");
        assert_eq!(kind(Errno::ECONNRESET), "reset");
    }
}
