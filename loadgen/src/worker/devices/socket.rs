//! The types of an open device socket.

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_util::either::Either;

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
