//! Listening sockets.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// The requested accept queue; the kernel clamps it to `net.core.somaxconn`.
const BACKLOG: u32 = 65_535;

/// The listening sockets of a node or a gateway.
#[derive(Debug)]
pub struct ListenSockets {
    /// The socket for devices and callers.
    pub public: TcpListener,
    /// The socket for probes and operators: `/healthz`, `/readyz`, `/metrics`, `/nodes` and
    /// `/admin`. It needs no TLS and no tokens, and a full public listener does not affect it.
    /// The public listener serves these paths only if this is `None`.
    pub admin: Option<TcpListener>,
}

impl From<TcpListener> for ListenSockets {
    fn from(public: TcpListener) -> Self {
        Self {
            public,
            admin: None,
        }
    }
}

/// Listens on `addr`.
///
/// Must be called inside a tokio runtime.
///
/// # Errors
/// Returns the operating system's error of socket, bind or listen.
pub fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Otherwise a restarted node could not bind its port while old connections are in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    // A ramp of thousands of connects a second would overflow a short queue.
    socket.listen(BACKLOG)
}
