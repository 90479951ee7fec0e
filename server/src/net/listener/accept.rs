//! The accept loop: from the accept queue to a task per connection.
//!
//! The loop replaces axum's because it needs more:
//! - limits on headers and on the time that they take;
//! - TLS, with limits on handshakes, and the PROXY protocol before it;
//! - a reserve of descriptors, and recovery when they run out all the same;
//! - connection tasks that end once a socket is upgraded.

use std::{io, sync::Arc, time::Duration};

use axum::{Router, response::Response};
use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{
    client::TrustedPeers,
    connections::ConnectionTasks,
    metrics::{HandshakeMetrics, ListenerMetrics},
};
use crate::{
    limits::NodeLimits,
    net::{
        admission::{AddressLimit, AdmissionControl, ConnectionLimit},
        networks::Networks,
        tls::ServerTls,
    },
};

/// Pause after a failed accept.
// Without it, a process without free descriptors would spin on the same error.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(20);

/// A listening socket, with the routes and limits of its connections.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) rules: ConnectionRules,
}

/// The routes and limits of a listener's connections.
pub(crate) struct ConnectionRules {
    pub(crate) router: Router,
    pub(crate) rejections: Rejections,
    /// `None` is plain TCP.
    pub(crate) tls: Option<Arc<ListenerTls>>,
    /// Bounds connections that are open at once.
    pub(crate) connection_limit: Arc<ConnectionLimit>,
    /// Bounds the connections of gateways for which `connection_limit` has no room.
    pub(crate) gateway_limit: Arc<ConnectionLimit>,
    /// Bounds the connections of one client address that are not device sockets.
    pub(crate) address_limit: Arc<AddressLimit>,
    /// The networks whose connections begin with a header of the PROXY protocol.
    pub(crate) proxy_protocol: Networks,
    /// The peers that name the clients of their requests.
    pub(crate) trusted_peers: TrustedPeers,
    pub(crate) timeouts: ConnectionTimeouts,
    pub(crate) metrics: ListenerMetrics,
}

/// The answers to clients beyond a limit.
#[derive(Clone)]
pub(crate) struct Rejections {
    /// The routes for connections above the limit.
    pub(crate) router: Router,
    /// Returns the answer to a request whose client has too many under way.
    pub(crate) address_limit: fn() -> Response,
}

/// TLS handshakes of a listener.
pub(crate) struct ListenerTls {
    pub(crate) server: Arc<ServerTls>,
    /// Bounds handshakes before they cost anything.
    pub(crate) admission: AdmissionControl,
    pub(crate) metrics: HandshakeMetrics,
}

/// Time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionTimeouts {
    /// Limit of the header of the PROXY protocol.
    pub(crate) proxy_header: Duration,
    /// Limit of the TLS handshake.
    pub(crate) tls_handshake: Duration,
    /// Limit until the first request.
    pub(crate) first_request: Duration,
    /// Limit from one request to the end of the next one's head.
    pub(crate) request_head: Duration,
    /// Limit for unacknowledged data: TCP_USER_TIMEOUT.
    pub(crate) tcp_user_timeout: Duration,
}

impl From<&NodeLimits> for ConnectionTimeouts {
    fn from(limits: &NodeLimits) -> Self {
        Self {
            proxy_header: limits.proxy_header_timeout,
            tls_handshake: limits.handshake_timeout,
            first_request: limits.first_request_timeout,
            request_head: limits.header_timeout,
            tcp_user_timeout: limits.idle_timeout,
        }
    }
}

impl Listener {
    /// Returns a listener for probes and operators: plain TCP, and few connections.
    pub(crate) fn admin(
        socket: TcpListener,
        router: Router,
        rejections: Rejections,
        connection_limit: Arc<ConnectionLimit>,
        timeouts: impl Into<ConnectionTimeouts>,
        metrics: ListenerMetrics,
    ) -> Self {
        let rules = ConnectionRules {
            router,
            rejections,
            tls: None,
            connection_limit,
            gateway_limit: Arc::new(ConnectionLimit::new(Some(0))),
            // Operators share a host often, and the limit above is small already.
            address_limit: Arc::new(AddressLimit::new(usize::MAX)),
            // Operators and probes reach this listener without a proxy.
            proxy_protocol: Networks::default(),
            trusted_peers: TrustedPeers::default(),
            timeouts: timeouts.into(),
            metrics,
        };
        Self { socket, rules }
    }
}

/// Accepts until `stop` is cancelled, then lets requests under way finish.
pub(crate) async fn run(listener: Listener, stop: CancellationToken) {
    let Listener { socket, rules } = listener;
    let connections = Arc::new(ConnectionTasks::new(rules, stop.clone()));
    let rules = connections.rules();
    let mut failing = false;
    while let Some(accepted) = stop.run_until_cancelled(socket.accept()).await {
        match accepted {
            Ok((stream, address)) => {
                failing = false;
                set_socket_options(&stream, rules.timeouts);
                connections.handle_accepted(stream, address);
            }
            Err(error) if is_connection_error(&error) => {}
            Err(error) => {
                rules.metrics.accept_errors.inc();
                // Logged once for a run of errors; the counter has them all.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "accept failed; retrying every {ACCEPT_RETRY_DELAY:?}");
                }
                sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    // Closed before the wait: new connections are refused at once, and go to another node.
    drop(socket);
    connections.wait_closed().await;
}

/// Sets the options of an accepted socket. Errors are ignored: the connection may be closed.
fn set_socket_options(stream: &TcpStream, timeouts: ConnectionTimeouts) {
    // Frames are small and answered at once, so Nagle's algorithm would only delay them.
    let _ = stream.set_nodelay(true);
    // Without it, a client that leaves a response unread would hold its connection forever.
    let unread = u32::try_from(timeouts.tcp_user_timeout.as_millis()).unwrap_or(u32::MAX);
    let _ = setsockopt(stream, TcpUserTimeout, &unread);
}

/// Whether the peer ended the connection before it was accepted, which is not a fault here.
fn is_connection_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | ConnectionRefused
    )
}
