//! The tasks of accepted connections: admission, the PROXY header, TLS, then HTTP.
//!
//! ```text
//! accepted ─► limits ─────────────────────────────► TLS ─► HTTP
//!      └─ of a proxy ─► PROXY header ─► limits of its client ─┘
//! ```

use std::{future::ready, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpStream, time::timeout};
use tokio_util::{either::Either, sync::CancellationToken, task::TaskTracker};

use super::{
    proxy_protocol::read_header,
    rules::{ConnectionRules, ListenerTls},
    serve::{Http1Settings, HttpPeer, serve},
};
use crate::net::{
    admission::{AddressPermit, ConnectionLimit, Permit, Rejected},
    stream::MaybeTlsStream,
};

/// Connections that get the response "no capacity" at the same time. Others are closed at
/// once.
const OVERLOAD_MAX_RESPONDERS: usize = 16;
/// Time that a rejected client has to send a request.
const OVERLOAD_REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// The tasks of accepted connections.
pub(super) struct ConnectionTasks {
    rules: Arc<ConnectionRules>,
    tracker: TaskTracker,
    /// Bounds the connections that get the response "no capacity".
    overload_responders: Arc<ConnectionLimit>,
    stop: CancellationToken,
}

/// The counts of one connection. They last until it ends or becomes a device socket.
struct ConnectionPermits {
    _connection: Permit,
    /// `None` for a trusted peer, each of whose requests counts for its own client.
    _address: Option<AddressPermit>,
}

impl ConnectionTasks {
    pub(super) fn new(rules: ConnectionRules, stop: CancellationToken) -> Self {
        Self {
            rules: Arc::new(rules),
            tracker: TaskTracker::new(),
            overload_responders: Arc::new(ConnectionLimit::new(Some(OVERLOAD_MAX_RESPONDERS))),
            stop,
        }
    }

    pub(super) fn rules(&self) -> Arc<ConnectionRules> {
        Arc::clone(&self.rules)
    }

    /// Waits until every connection has ended.
    pub(super) async fn wait_closed(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Gives a connection its task, or rejects it.
    pub(super) fn handle_accepted(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        match self.rules.proxy_protocol.contains(peer.ip()) {
            true => self.handle_proxied(stream, peer),
            false => self.handle(stream, peer, None),
        }
    }

    /// Reads the header of a proxy's connection, whose client then counts.
    fn handle_proxied(self: &Arc<Self>, mut stream: TcpStream, proxy: SocketAddr) {
        // Before the header: connections whose client is not known yet count among all.
        let Some(permit) = self.acquire_connection(proxy) else {
            // Closed without a response, which a proxy would take for that of its client.
            return self.rules.metrics.record_rejected(Rejected::AtCapacity);
        };
        let tasks = Arc::clone(self);
        self.tracker.spawn(async move {
            let within = tasks.rules.timeouts.proxy_header;
            let header = tasks
                .stop
                .run_until_cancelled(timeout(within, read_header(&mut stream)));
            let reason = match header.await {
                None => return,
                Some(Ok(Ok(client))) => {
                    // Without a client it is the proxy's own connection, such as a health check.
                    return tasks.handle(stream, client.unwrap_or(proxy), Some(permit));
                }
                Some(Ok(Err(error))) => error.to_string(),
                Some(Err(_)) => format!("no PROXY header within {within:?}"),
            };
            tasks.rules.metrics.record_invalid_proxy_header();
            tracing::debug!(%proxy, reason, "closed the connection of a proxy");
        });
    }

    /// Serves the connection of a client. `held` is the permit of a connection that counts
    /// already.
    fn handle(self: &Arc<Self>, stream: TcpStream, client: SocketAddr, held: Option<Permit>) {
        let (permits, is_trusted) = match self.admit(client, held) {
            Ok(admitted) => admitted,
            Err(reason) => return self.reject(stream, client, reason),
        };
        let peer = HttpPeer {
            address: client.ip(),
            is_tls: self.rules.tls.is_some(),
            is_trusted,
        };
        let settings = Http1Settings {
            first_request_timeout: self.rules.timeouts.first_request,
            header_read_timeout: self.rules.timeouts.request_head,
            keep_alive: true,
        };
        let Some(tls) = &self.rules.tls else {
            let stream = ready(Some(Either::Left(stream)));
            return self.spawn(stream, peer, settings, permits);
        };
        match tls.admission.try_admit() {
            Ok(handshake_permit) => {
                let timeout = self.rules.timeouts.tls_handshake;
                let tls = Arc::clone(tls);
                let handshake = run_handshake(tls, stream, client, timeout, handshake_permit);
                // Boxed, so that its state is not held while requests are served.
                self.spawn(Box::pin(handshake), peer, settings, permits);
            }
            Err(rejected) => tls.metrics.record_rejected(rejected),
        }
    }

    /// Counts a connection. Returns its permits, and whether its peer is trusted.
    fn admit(
        &self,
        client: SocketAddr,
        held: Option<Permit>,
    ) -> Result<(ConnectionPermits, bool), Rejected> {
        let is_trusted = self.rules.trusted_peers.contains(client.ip());
        // First the address: a client at its own limit must not count among all.
        let address = match is_trusted {
            // The clients of a proxy are known once it has sent a request.
            true => None,
            false => {
                let permit = self.rules.address_limit.try_acquire(client.ip());
                Some(permit.ok_or(Rejected::AddressLimit)?)
            }
        };
        let connection = held.or_else(|| self.acquire_connection(client));
        let permits = ConnectionPermits {
            _connection: connection.ok_or(Rejected::AtCapacity)?,
            _address: address,
        };
        Ok((permits, is_trusted))
    }

    /// Counts a connection among all. Gateways of the cluster have a reserve beside them, so
    /// that clients cannot keep the cluster out.
    fn acquire_connection(&self, peer: SocketAddr) -> Option<Permit> {
        let of_gateway = || {
            let is_gateway = self.rules.trusted_peers.is_gateway(peer.ip());
            is_gateway.then(|| self.rules.gateway_limit.try_acquire())?
        };
        self.rules
            .connection_limit
            .try_acquire()
            .or_else(of_gateway)
    }

    /// Sends the response "no capacity", if that is cheap, so that the client retries later.
    fn reject(&self, stream: TcpStream, client: SocketAddr, reason: Rejected) {
        self.rules.metrics.record_rejected(reason);
        // Over TLS a response would cost a handshake: a rejected connection must not cost more
        // than an accepted one.
        if self.rules.tls.is_some() {
            return;
        }
        if let Some(permit) = self.overload_responders.try_acquire() {
            let settings = Http1Settings {
                first_request_timeout: OVERLOAD_REQUEST_TIMEOUT,
                header_read_timeout: OVERLOAD_REQUEST_TIMEOUT,
                keep_alive: false,
            };
            let peer = HttpPeer {
                address: client.ip(),
                is_tls: false,
                is_trusted: false,
            };
            let rules = Arc::clone(&self.rules);
            let (router, stop) = (rules.rejections.router.clone(), self.stop.clone());
            self.tracker.spawn(async move {
                serve(Either::Left(stream), peer, router, rules, settings, stop).await;
                drop(permit);
            });
        }
    }

    /// Serves requests once the stream is open. The permits are held until the connection ends
    /// or becomes a device socket.
    fn spawn(
        &self,
        stream: impl Future<Output = Option<MaybeTlsStream>> + Send + 'static,
        peer: HttpPeer,
        settings: Http1Settings,
        permits: ConnectionPermits,
    ) {
        let (rules, stop) = (Arc::clone(&self.rules), self.stop.clone());
        self.tracker.spawn(async move {
            if let Some(stream) = stream.await {
                let router = rules.router.clone();
                serve(stream, peer, router, rules, settings, stop).await;
            }
            drop(permits);
        });
    }
}

/// Runs an admitted handshake. `_permit` counts it while it is under way.
async fn run_handshake(
    tls: Arc<ListenerTls>,
    stream: TcpStream,
    client: SocketAddr,
    timeout: Duration,
    _permit: Permit,
) -> Option<MaybeTlsStream> {
    match tls.server.accept(stream, timeout).await {
        Ok(stream) => Some(Either::Right(Box::new(stream))),
        Err(error) => {
            tls.metrics.failed.inc();
            tracing::debug!(%client, %error, "a TLS handshake failed");
            None
        }
    }
}
