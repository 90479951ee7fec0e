//! The accept loop: from the accept queue to a task per connection.
//!
//! The loop replaces axum's because it needs more:
//! - limits on headers and on the time that they take;
//! - TLS, with limits on handshakes;
//! - a reserve of descriptors, and recovery when they run out all the same;
//! - connection tasks that end once a socket is upgraded.

use std::{future::ready, io, sync::Arc, time::Duration};

use axum::Router;
use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_util::{either::Either, sync::CancellationToken, task::TaskTracker};

use super::{
    metrics::{HandshakeMetrics, ListenerMetrics},
    serve::{Http1Settings, PeerAddr, serve},
};
use crate::{
    limits::NodeLimits,
    net::{
        admission::{AddressLimit, AdmissionControl, ConnectionLimit, Permit, Rejected},
        stream::MaybeTlsStream,
        tls::ServerTls,
    },
};

/// Pause after a failed accept.
// Without it, a process without free descriptors would spin on the same error.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(20);
/// Connections that get the response "no capacity" at the same time. Others are closed at
/// once.
const OVERLOAD_MAX_RESPONDERS: usize = 16;
/// Time that a rejected client has to send a request.
const OVERLOAD_REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections at once on an admin listener.
const MAX_ADMIN_CONNECTIONS: usize = 64;

/// A listening socket, with the routes and limits of its connections.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) router: Router,
    /// The routes for connections above the limit.
    pub(crate) rejection_router: Router,
    /// `None` is plain TCP.
    pub(crate) tls: Option<Arc<ListenerTls>>,
    /// Bounds connections that are open at once.
    pub(crate) connection_limit: Arc<ConnectionLimit>,
    /// Bounds the connections of one client address that are not device sockets.
    pub(crate) address_limit: Arc<AddressLimit>,
    pub(crate) timeouts: ConnectionTimeouts,
    pub(crate) metrics: ListenerMetrics,
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
            // Operators share a host often, and the limit above is small already.
            address_limit: Arc::new(AddressLimit::new(usize::MAX)),
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
                connections.handle_accepted(&listener, stream, PeerAddr(address));
            }
            Err(error) if is_connection_error(&error) => {}
            Err(error) => {
                listener.metrics.accept_errors.inc();
                // Logged once for a run of errors; the counter has them all.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "accept failed; retrying every {ACCEPT_RETRY_DELAY:?}");
                }
                sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    // Closed before the wait: new connections are refused at once, and go to another node.
    drop(listener);
    connections.tracker.close();
    connections.tracker.wait().await;
}

/// The tasks of accepted connections.
struct ConnectionTasks {
    tracker: TaskTracker,
    /// Bounds the connections that get the response "no capacity".
    overload_responders: Arc<ConnectionLimit>,
    stop: CancellationToken,
}

impl ConnectionTasks {
    /// Gives a connection its task, or rejects it.
    fn handle_accepted(&self, listener: &Listener, stream: TcpStream, peer: PeerAddr) {
        let PeerAddr(address) = peer;
        // First the address: a client at its own limit must not count among all.
        let Some(address_permit) = listener.address_limit.try_acquire(address.ip()) else {
            return self.reject(listener, stream, peer, Rejected::AddressLimit);
        };
        let Some(permit) = listener.connection_limit.try_acquire() else {
            return self.reject(listener, stream, peer, Rejected::AtCapacity);
        };
        let permit = (permit, address_permit);
        let settings = Http1Settings {
            first_request_timeout: listener.timeouts.first_request,
            header_read_timeout: listener.timeouts.request_head,
            keep_alive: true,
        };
        let router = listener.router.clone();
        let Some(tls) = &listener.tls else {
            let stream = ready(Some(Either::Left(stream)));
            return self.spawn(stream, peer, router, settings, permit);
        };
        match tls.admission.try_admit() {
            Ok(handshake_permit) => {
                let timeout = listener.timeouts.tls_handshake;
                let handshake = run_handshake(Arc::clone(tls), stream, timeout, handshake_permit);
                // Boxed, so that its state is not held while requests are served.
                self.spawn(Box::pin(handshake), peer, router, settings, permit);
            }
            Err(rejected) => tls.metrics.record_rejected(rejected),
        }
    }

    /// Sends the response "no capacity", if that is cheap, so that the client retries later.
    fn reject(&self, listener: &Listener, stream: TcpStream, peer: PeerAddr, reason: Rejected) {
        listener.metrics.record_rejected(reason);
        // Over TLS a response would cost a handshake: a rejected connection must not cost more
        // than an accepted one.
        if let (None, Some(permit)) = (&listener.tls, self.overload_responders.try_acquire()) {
            let settings = Http1Settings {
                first_request_timeout: OVERLOAD_REQUEST_TIMEOUT,
                header_read_timeout: OVERLOAD_REQUEST_TIMEOUT,
                keep_alive: false,
            };
            let router = listener.rejection_router.clone();
            let stream = ready(Some(Either::Left(stream)));
            self.spawn(stream, peer, router, settings, permit);
        }
    }

    /// Serves requests once the stream is open. The permits are held until the connection ends
    /// or becomes a device socket.
    fn spawn(
        &self,
        stream: impl Future<Output = Option<MaybeTlsStream>> + Send + 'static,
        peer: PeerAddr,
        router: Router,
        settings: Http1Settings,
        permits: impl Send + 'static,
    ) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            if let Some(stream) = stream.await {
                serve(stream, peer, router, settings, stop).await;
            }
            drop(permits);
        });
    }
}

/// Runs an admitted handshake. `_permit` counts it while it is under way.
async fn run_handshake(
    tls: Arc<ListenerTls>,
    stream: TcpStream,
    timeout: Duration,
    _permit: Permit,
) -> Option<MaybeTlsStream> {
    match tls.server.accept(stream, timeout).await {
        Ok(stream) => Some(Either::Right(Box::new(stream))),
        Err(error) => {
            tls.metrics.failed.inc();
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
    }
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
