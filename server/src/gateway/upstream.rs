//! The address of one incarnation of a node, and its idle connections.

use std::{io, sync::Arc, time::Duration};

use axum::body::Body;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use nix::sys::socket::{setsockopt, sockopt};
use parking_lot::Mutex;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{allowed_networks::AllowedNetworks, config::GatewayLimits};
use crate::{
    id::NodeId,
    net::admission::{ConnectionLimit, Permit},
};

/// Idle time after which the kernel probes the connection.
// Without it, a cut cable would never be noticed.
const KEEPALIVE_IDLE_S: u32 = 30;
const KEEPALIVE_INTERVAL_S: u32 = 10;
const KEEPALIVE_PROBES: u32 = 3;
/// Time for which a node may leave sent data unacknowledged.
// Without it, a hung node with full buffers would hold a socket whose client has gone.
const TCP_USER_TIMEOUT_MS: u32 = 60_000;

/// A connection that sends one request after the other.
pub(super) type RequestSender = SendRequest<Body>;

/// The address of one incarnation of a node.
pub(super) struct Upstream {
    pub(super) id: NodeId,
    /// Start of the incarnation, in milliseconds since 1970.
    pub(super) incarnation: u64,
    /// `HOST:PORT`.
    pub(super) address: String,
    allowed_networks: AllowedNetworks,
    idle: Mutex<Vec<IdleConnection>>,
}

/// A connection that waits for its next request.
struct IdleConnection {
    sender: RequestSender,
    since: Instant,
    /// Counts it among the idle connections to all nodes.
    _permit: Permit,
}

impl Upstream {
    pub(super) fn new(
        id: NodeId,
        incarnation: u64,
        address: String,
        allowed_networks: AllowedNetworks,
    ) -> Self {
        Self {
            id,
            incarnation,
            address,
            allowed_networks,
            idle: Mutex::default(),
        }
    }

    /// Opens a TCP connection.
    pub(super) async fn dial(&self, within: Duration) -> io::Result<TcpStream> {
        let connecting = self.allowed_networks.connect(&self.address);
        let stream = timeout(within, connecting).await??;
        // Frames are small and answered at once, so Nagle's algorithm would only delay them.
        stream.set_nodelay(true)?;
        set_dead_peer_timeouts(&stream)?;
        Ok(stream)
    }

    /// Opens a connection for requests.
    pub(super) async fn connect(&self, within: Duration) -> io::Result<RequestSender> {
        let stream = self.dial(within).await?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(io::Error::other)?;
        let node = self.id.clone();
        // Ends with its sender.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%node, %error, "the connection to a node failed");
            }
        });
        Ok(sender)
    }

    /// Takes an idle connection. The node may have closed it just now.
    pub(super) fn take_idle(&self, limits: &GatewayLimits) -> Option<RequestSender> {
        let mut idle = self.idle.lock();
        // The last one first: it has been idle for the shortest time.
        loop {
            let IdleConnection { sender, since, .. } = idle.pop()?;
            if !sender.is_closed() && since.elapsed() < limits.idle_timeout {
                return Some(sender);
            }
        }
    }

    /// Keeps a connection whose response has been read to its end, if this node and `all` nodes
    /// together have room for it. Otherwise the connection closes.
    pub(super) fn put_idle(
        &self,
        sender: RequestSender,
        limits: &GatewayLimits,
        all: &Arc<ConnectionLimit>,
    ) {
        let mut idle = self.idle.lock();
        if idle.len() >= limits.max_idle_connections {
            idle.retain(|idle| !idle.sender.is_closed());
        }
        if idle.len() < limits.max_idle_connections
            && !sender.is_closed()
            && let Some(permit) = all.try_acquire()
        {
            idle.push(IdleConnection {
                sender,
                since: Instant::now(),
                _permit: permit,
            });
        }
    }

    /// Closes connections that have been idle for too long, or that the node has closed.
    // Without it, they would stay open until the next request to the node.
    pub(super) fn close_expired(&self, limits: &GatewayLimits) {
        self.idle
            .lock()
            .retain(|idle| !idle.sender.is_closed() && idle.since.elapsed() < limits.idle_timeout);
    }
}

fn set_dead_peer_timeouts(stream: &TcpStream) -> io::Result<()> {
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    setsockopt(stream, sockopt::TcpKeepIdle, &KEEPALIVE_IDLE_S)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &KEEPALIVE_INTERVAL_S)?;
    setsockopt(stream, sockopt::TcpKeepCount, &KEEPALIVE_PROBES)?;
    setsockopt(stream, sockopt::TcpUserTimeout, &TCP_USER_TIMEOUT_MS)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn upstream(listener: &TcpListener) -> Upstream {
        let address = listener.local_addr().unwrap().to_string();
        Upstream::new(
            "n1".parse().unwrap(),
            1,
            address,
            AllowedNetworks::default(),
        )
    }

    #[tokio::test]
    async fn idle_connections_to_all_nodes_are_bounded_and_expire() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (first, second) = (upstream(&listener).await, upstream(&listener).await);
        let limits = GatewayLimits::default();
        let all = Arc::new(ConnectionLimit::new(Some(3)));
        for node in [&first, &first, &second, &second, &first] {
            let sender = node.connect(limits.connect_timeout).await.unwrap();
            node.put_idle(sender, &limits, &all);
        }
        assert_eq!(all.open(), 3);
        assert!(second.take_idle(&limits).is_some());
        assert!(second.take_idle(&limits).is_none(), "the fourth was closed");
        assert_eq!(all.open(), 2);
        first.close_expired(&limits);
        assert_eq!(all.open(), 2, "none has expired");
        let expired = GatewayLimits {
            idle_timeout: Duration::ZERO,
            ..limits
        };
        first.close_expired(&expired);
        assert_eq!(all.open(), 0);
    }
}
