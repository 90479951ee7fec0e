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

/// Whether an address stands for every address of a host, such as `0.0.0.0:80`.
pub(crate) fn is_wildcard(host_port: &str) -> bool {
    let address = host_port.parse::<SocketAddr>();
    address.is_ok_and(|address| address.ip().to_canonical().is_unspecified())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcard_stands_for_every_address_of_a_host() {
        for address in ["0.0.0.0:80", "[::]:80", "[::ffff:0.0.0.0]:80"] {
            assert!(is_wildcard(address), "{address}");
        }
        for address in ["127.0.0.1:80", "[::1]:80", "node-1:80"] {
            assert!(!is_wildcard(address), "{address}");
        }
    }
}
