//! The listeners of a node or a gateway: the public one, and optionally an admin listener.

use std::sync::Arc;

use axum::Router;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    accept::run,
    client::TrustedPeers,
    metrics::ListenerMetrics,
    rules::{ConnectionRules, ConnectionTimeouts, Listener, ListenerTls, Rejections},
};
use crate::net::{
    admission::{AddressLimit, ConnectionBudget},
    listen::ListenSockets,
    networks::Networks,
};

/// The public listener and the admin listener.
pub(crate) struct Listeners {
    pub(crate) public: Listener,
    pub(crate) admin: Option<Listener>,
}

/// The configuration that both listeners share.
pub(crate) struct ListenerSet {
    pub(crate) routes: Routes,
    /// TLS of the public listener. `None` is plain TCP.
    pub(crate) tls: Option<ListenerTls>,
    /// Bounds the open connections of each kind.
    pub(crate) connections: ConnectionBudget,
    /// The connections of one client address on the public listener that are not device
    /// sockets.
    pub(crate) max_per_address: usize,
    /// The networks whose connections begin with a header of the PROXY protocol.
    pub(crate) proxy_protocol: Networks,
    /// The peers that name the clients of their requests.
    pub(crate) trusted_peers: TrustedPeers,
    pub(crate) timeouts: ConnectionTimeouts,
    pub(crate) metrics: ListenerMetrics,
}

/// The routers of the listeners.
pub(crate) struct Routes {
    /// All routes, for a server with one listener.
    pub(crate) combined_router: Router,
    /// The routes of the public listener, if there is an admin listener.
    pub(crate) public_router: Router,
    /// The routes of the admin listener.
    pub(crate) admin_router: Router,
    /// The answers to clients beyond a limit.
    pub(crate) rejections: Rejections,
}

impl ListenerSet {
    pub(crate) fn into_listeners(self, sockets: ListenSockets) -> Listeners {
        let routes = self.routes;
        // With an admin listener, the public one must not serve the paths of operators.
        let public_router = match sockets.admin {
            Some(_) => routes.public_router,
            None => routes.combined_router,
        };
        let admin = sockets.admin.map(|socket| {
            Listener::admin(
                socket,
                routes.admin_router,
                routes.rejections.clone(),
                Arc::clone(&self.connections.admin),
                self.timeouts,
                self.metrics.clone(),
            )
        });
        let rules = ConnectionRules {
            router: public_router,
            rejections: routes.rejections,
            tls: self.tls.map(Arc::new),
            connection_limit: self.connections.public,
            gateway_limit: self.connections.gateways,
            address_limit: Arc::new(AddressLimit::new(self.max_per_address)),
            proxy_protocol: self.proxy_protocol,
            trusted_peers: self.trusted_peers,
            timeouts: self.timeouts,
            metrics: self.metrics,
        };
        let socket = sockets.public;
        let public = Listener { socket, rules };
        Listeners { public, admin }
    }
}

/// Accepts connections until `stop`, and ends at once with `cancel`. `stop` must be a child of
/// `cancel`, so that connections end with it too.
pub(crate) fn spawn(
    listener: Listener,
    stop: CancellationToken,
    cancel: CancellationToken,
) -> JoinHandle<Option<()>> {
    // A task of its own, so that it runs on the runtime's workers, not on the main thread.
    tokio::spawn(cancel.run_until_cancelled_owned(run(listener, stop)))
}
