//! The accept loop: from the accept queue to a task per connection.
//!
//! The loop replaces axum's because it needs more:
//! - limits on headers and on the time that they take;
//! - TLS, with limits on handshakes;
//! - a reserve of descriptors, and recovery when they run out all the same;
//! - connection tasks that end once a socket is upgraded.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    metrics::{HandshakeMetrics, ListenerMetrics},
    serve::{Http1Settings, PeerAddr, serve},
};
use crate::{
    limits::NodeLimits,
    net::{
        admission::{AdmissionControl, ConnectionLimit, Permit},
        stream::MaybeTlsStream,
        tls::ServerTls,
    },
};

/// Pause after a failed accept, so that running out of descriptors does not spin.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(20);
/// Connections that get the response "no capacity" at the same time. Others are closed at
/// once.
const OVERLOAD_MAX_RESPONDERS: usize = 16;
/// Time that a rejected client has to send a request.
const OVERLOAD_REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections at once on a listener of operators.
const MAX_ADMIN_CONNECTIONS: usize = 64;

/// A listener and what its connections meet.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) router: Router,
    /// The routes for connections above the limit.
    pub(crate) rejection_router: Router,
    /// `None` is plain TCP.
    pub(crate) tls: Option<Arc<ListenerTls>>,
    /// Bounds connections that are open at once.
    pub(crate) connection_limit: Arc<ConnectionLimit>,
    pub(crate) timeouts: ConnectionTimeouts,
    pub(crate) metrics: ListenerMetrics,
}

/// Handshakes at a door.
pub(crate) struct ListenerTls {
    pub(crate) server: Arc<ServerTls>,
    /// Bounds them, before they cost anything.
    pub(crate) admission: AdmissionControl,
    pub(crate) metrics: HandshakeMetrics,
}

/// Time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionTimeouts {
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
        rejection_router: Router,
        timeouts: impl Into<ConnectionTimeouts>,
        metrics: ListenerMetrics,
    ) -> Self {
        Self {
            socket,
            router,
            rejection_router,
            tls: None,
            connection_limit: Arc::new(ConnectionLimit::new(Some(MAX_ADMIN_CONNECTIONS))),
            timeouts: timeouts.into(),
            metrics,
        }
    }
}

/// Accepts until `stop` is cancelled, then lets requests under way finish.
pub(crate) async fn run(listener: Listener, stop: CancellationToken) {
    let connections = ConnectionTasks {
        tracker: TaskTracker::new(),
        overload_responders: Arc::new(ConnectionLimit::new(Some(OVERLOAD_MAX_RESPONDERS))),
        stop: stop.clone(),
    };
    let mut failing = false;
    while let Some(accepted) = stop.run_until_cancelled(listener.socket.accept()).await {
        match accepted {
            Ok((stream, address)) => {
                failing = false;
                set_socket_options(&stream, listener.timeouts);
                connections.handle_accepted(&listener, AcceptedConnection::new(stream, address));
            }
            Err(error) if is_connection_error(&error) => {}
            Err(error) => {
                listener.metrics.accept_errors.inc();
                // Once for a run of errors; the counter has them all.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "accept");
                }
                sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    // Closed for good: who comes now is refused at once, and goes elsewhere.
    drop(listener);
    connections.tracker.close();
    connections.tracker.wait().await;
}

/// The tasks of those who came in.
struct ConnectionTasks {
    tracker: TaskTracker,
    /// Bounds the connections that get the response "no capacity".
    overload_responders: Arc<ConnectionLimit>,
    stop: CancellationToken,
}

impl ConnectionTasks {
    /// Gives a connection its task, or turns it away.
    fn handle_accepted(&self, listener: &Listener, accepted: AcceptedConnection) {
        let Some(permit) = listener.connection_limit.try_acquire() else {
            listener.metrics.rejected.inc();
            // Over TLS an answer would cost a handshake: what comes beyond the open
            // files must not cost more than what comes within.
            if let (None, Some(permit)) = (&listener.tls, self.overload_responders.try_acquire()) {
                self.reject(accepted, listener.rejection_router.clone(), permit);
            }
            return;
        };
        let settings = Http1Settings {
            first_request_timeout: listener.timeouts.first_request,
            header_read_timeout: listener.timeouts.request_head,
            keep_alive: true,
        };
        match &listener.tls {
            None => self.spawn_plain(accepted, listener.router.clone(), settings, permit),
            Some(tls) => match tls.admission.try_admit() {
                Ok(handshake_permit) => {
                    let handshake = TlsHandshake {
                        tls: Arc::clone(tls),
                        timeout: listener.timeouts.tls_handshake,
                        _permit: handshake_permit,
                    };
                    self.spawn_tls(
                        accepted,
                        handshake,
                        listener.router.clone(),
                        settings,
                        permit,
                    );
                }
                Err(rejected) => tls.metrics.record_rejected(rejected),
            },
        }
    }

    /// Serves requests. The place is held until the connection ends or is a device
    /// socket.
    fn spawn_plain(
        &self,
        accepted: AcceptedConnection,
        router: Router,
        settings: Http1Settings,
        permit: Permit,
    ) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            let AcceptedConnection { stream, peer } = accepted;
            serve(MaybeTlsStream::Left(stream), peer, router, settings, stop).await;
            drop(permit);
        });
    }

    /// Runs the TLS handshake, then serves the connection.
    fn spawn_tls(
        &self,
        accepted: AcceptedConnection,
        handshake: TlsHandshake,
        router: Router,
        settings: Http1Settings,
        permit: Permit,
    ) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            // Boxed: what a handshake needs is not held while requests are served.
            let shaken = Box::pin(handshake.run(accepted.stream)).await;
            if let Some(stream) = shaken {
                serve(stream, accepted.peer, router, settings, stop).await;
            }
            drop(permit);
        });
    }

    /// Tells a client that there is no room, so that it comes back later.
    fn reject(&self, accepted: AcceptedConnection, rejection_router: Router, permit: Permit) {
        let settings = Http1Settings {
            first_request_timeout: OVERLOAD_REQUEST_TIMEOUT,
            header_read_timeout: OVERLOAD_REQUEST_TIMEOUT,
            keep_alive: false,
        };
        self.spawn_plain(accepted, rejection_router, settings, permit);
    }
}

/// A connection, and who is at its other end.
struct AcceptedConnection {
    stream: TcpStream,
    peer: PeerAddr,
}

impl AcceptedConnection {
    fn new(stream: TcpStream, address: SocketAddr) -> Self {
        Self {
            stream,
            peer: PeerAddr(address),
        }
    }
}

/// A handshake that was let in.
struct TlsHandshake {
    tls: Arc<ListenerTls>,
    timeout: Duration,
    /// Among those under way.
    _permit: Permit,
}

impl TlsHandshake {
    async fn run(self, stream: TcpStream) -> Option<MaybeTlsStream> {
        match self.tls.server.accept(stream, self.timeout).await {
            Ok(stream) => Some(MaybeTlsStream::Right(Box::new(stream))),
            Err(error) => {
                self.tls.metrics.failed.inc();
                tracing::debug!(%error, "handshake");
                None
            }
        }
    }
}

/// Errors are ignored: the connection may be closed already.
fn set_socket_options(stream: &TcpStream, timeouts: ConnectionTimeouts) {
    // Frames are small and answered at once: Nagle's delay would be all they see.
    let _ = stream.set_nodelay(true);
    // Without it, a client that leaves a response unread would hold its connection forever.
    let unread = u32::try_from(timeouts.tcp_user_timeout.as_millis()).unwrap_or(u32::MAX);
    let _ = setsockopt(stream, TcpUserTimeout, &unread);
}

/// The peer was gone before its connection was accepted; nothing is wrong here.
fn is_connection_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
