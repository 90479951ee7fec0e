//! The ways in which an attempt to open a socket fails.

use std::{borrow::Cow, io, time::Duration};

use nix::errno::Errno;

use crate::access::http_proxy::TunnelError;

/// The cause of a failed attempt: the KIND of `connect.failed.KIND`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectFailure {
    /// No process listens at the address.
    Refused,
    /// The connection broke during the handshake.
    Reset,
    /// The attempt took longer than the pool's `connect_timeout`.
    Timeout,
    /// TLS failed: an untrusted certificate, or no common version.
    Tls,
    /// The proxy answered `CONNECT` with a status other than 2xx.
    ProxyRejected {
        /// The status.
        status: u16,
    },
    /// The answer is not an HTTP proxy's, or the connection to the proxy broke.
    Proxy,
    /// The server answered with an HTTP status other than 101.
    Rejected {
        /// The status.
        status: u16,
        /// The delay that its `Retry-After` asks for.
        retry_after: Option<Duration>,
    },
    /// The answer is not a WebSocket server's, or has extensions that were not offered.
    Handshake(HandshakeFault),
    /// The head of the answer is longer than a device reads.
    ResponseTooLarge,
    /// The server accepted none of the subprotocols that were offered.
    Subprotocol,
    /// The frame of this step of `open` did not come in time; counted from 1.
    OpenStep(u8),
    /// The server sent a close frame with this code during the steps of `open`.
    OpenClosed(u16),
    /// The server answered CONNECT or SUBSCRIBE of STOMP with ERROR.
    StompError,
    /// The server sent bytes that are not STOMP before the session was open.
    StompProtocol,
    /// The host's name has no address.
    Dns,
    /// The machine has no route to the address, or no node takes sockets.
    Unreachable,
    /// The device could not log in before its socket.
    Login,
    /// A value of the device cannot be sent in a header field.
    InvalidValue,
    /// The harness has no ephemeral port left.
    NoEphemeralPort,
    /// The harness has no file descriptor left.
    NoFileDescriptor,
}

/// The fault of an answer that is not a WebSocket server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeFault {
    /// The answer is not HTTP.
    NotHttp,
    /// The answer accepts the socket without the proof that it has read the request.
    WrongProof,
    /// The answer has extensions that were not offered, or parameters that are not valid.
    Extensions,
}

impl HandshakeFault {
    /// Returns the fault in words.
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::NotHttp => "the answer is not HTTP",
            Self::WrongProof => "a 101 with a missing or wrong Sec-WebSocket-Accept",
            Self::Extensions => "a 101 with extensions that were not offered",
        }
    }
}

impl ConnectFailure {
    /// Returns the KIND of `connect.failed.KIND`.
    pub fn kind(self) -> Cow<'static, str> {
        let kind = match self {
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::ProxyRejected { status } => return format!("proxy_{status}").into(),
            Self::Proxy => "proxy",
            // As `commands.failed.KIND` names it.
            Self::Rejected { status, .. } => return format!("status_{status}").into(),
            Self::OpenStep(step) => return format!("open_{step}").into(),
            Self::OpenClosed(code) => return format!("open_closed_{code}").into(),
            Self::Handshake(_) => "handshake",
            Self::ResponseTooLarge => "response_too_large",
            Self::Subprotocol => "subprotocol",
            Self::StompError => "stomp_error",
            Self::StompProtocol => "stomp_protocol",
            Self::Dns => "dns",
            Self::Unreachable => "unreachable",
            Self::Login => "login",
            Self::InvalidValue => "invalid_value",
            Self::NoEphemeralPort => "no_port",
            Self::NoFileDescriptor => "no_file",
        };
        kind.into()
    }

    /// Returns the delay that a server at capacity asked for. Only a rejection for capacity
    /// carries `Retry-After`.
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Rejected { retry_after, .. } => retry_after,
            _ => None,
        }
    }

    /// Whether the server did not accept the device's credentials, which a login may renew.
    pub fn is_unauthorized(self) -> bool {
        matches!(
            self,
            Self::Rejected {
                status: 401 | 403,
                ..
            }
        )
    }

    /// Whether this machine failed before the address got a packet.
    pub(super) fn is_local(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::NoEphemeralPort | Self::NoFileDescriptor
        )
    }

    /// Returns the cause of a failed TLS handshake. An alert or a truncated handshake is
    /// the fault of TLS, any other error that of the connection.
    pub(super) fn from_tls(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Tls,
            _ => error.into(),
        }
    }
}

impl From<&TunnelError> for ConnectFailure {
    fn from(error: &TunnelError) -> Self {
        match error {
            TunnelError::Rejected(status) => Self::ProxyRejected { status: *status },
            TunnelError::Unreachable(error) => error.into(),
            TunnelError::Io(_) | TunnelError::InvalidResponse => Self::Proxy,
        }
    }
}

impl From<&io::Error> for ConnectFailure {
    fn from(error: &io::Error) -> Self {
        use io::ErrorKind;
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::TimedOut => Self::Timeout,
            // An alert of TLS 1.3 that comes after its handshake: a server that demands a
            // client's certificate answers so.
            ErrorKind::InvalidData => Self::Tls,
            ErrorKind::AddrNotAvailable | ErrorKind::AddrInUse => Self::NoEphemeralPort,
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Self::Unreachable,
            _ => match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EMFILE | Errno::ENFILE) => Self::NoFileDescriptor,
                // A machine without IPv6 cannot create a socket for such an address.
                Some(Errno::EAFNOSUPPORT) => Self::Unreachable,
                _ => Self::Reset,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_failure_differs_from_a_broken_connection() {
        let kind = |kind| ConnectFailure::from_tls(&io::Error::from(kind)).kind();
        assert_eq!(kind(io::ErrorKind::InvalidData), "tls");
        assert_eq!(kind(io::ErrorKind::UnexpectedEof), "tls");
        assert_eq!(kind(io::ErrorKind::ConnectionReset), "reset");
        let late_alert = io::Error::from(io::ErrorKind::InvalidData);
        assert_eq!(ConnectFailure::from(&late_alert).kind(), "tls");
    }

    #[test]
    fn failure_of_the_proxy_differs_from_one_of_the_system() {
        let kind = |error: TunnelError| ConnectFailure::from(&error).kind();
        assert_eq!(kind(TunnelError::Rejected(407)), "proxy_407");
        assert_eq!(kind(TunnelError::InvalidResponse), "proxy");
        assert_eq!(
            kind(io::Error::from(io::ErrorKind::ConnectionReset).into()),
            "proxy"
        );
    }

    #[test]
    fn limits_of_the_harness_have_kinds_of_their_own() {
        let kind = |errno: Errno| ConnectFailure::from(&io::Error::from(errno)).kind();
        assert_eq!(kind(Errno::EMFILE), "no_file");
        assert_eq!(kind(Errno::EADDRNOTAVAIL), "no_port");
        assert_eq!(kind(Errno::EAFNOSUPPORT), "unreachable");
        assert_eq!(kind(Errno::ECONNREFUSED), "refused");
        assert_eq!(kind(Errno::ECONNRESET), "reset");
    }
}
