//! Listening sockets.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// The accept queue asked for; the kernel clamps it to `net.core.somaxconn`.
const BACKLOG: u32 = 65_535;

/// Where a node or a gateway listens.
#[derive(Debug)]
pub struct ListenSockets {
    /// For devices and callers.
    pub public: TcpListener,
    /// For probes and operators: `/healthz`, `/readyz`, `/metrics`, `/nodes` and
    /// `/admin`, always without TLS and tokens, whatever happens on the other.
    /// With it they are gone from the public one; `None` serves them there.
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

/// Listens on `addr` with a long accept queue, so that a ramp of thousands of
/// connects a second does not overflow it, and with `SO_REUSEADDR`, so that a
/// restarted node gets its port back at once.
///
/// Must be called inside a tokio runtime.
///
/// # Errors
/// Whatever the operating system says to socket, bind or listen.
pub fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}
