//! The listeners of a node or a gateway: the public one, and optionally an admin listener.

use std::sync::Arc;

use axum::Router;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    accept::{ConnectionTimeouts, Listener, ListenerTls, run},
    metrics::ListenerMetrics,
};
use crate::net::{
    admission::{AddressLimit, ConnectionLimit},
    listen::ListenSockets,
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
    /// Bounds the open connections of the public listener.
    pub(crate) connection_limit: Arc<ConnectionLimit>,
    /// The connections of one client address on the public listener that are not device
    /// sockets.
    pub(crate) max_per_address: usize,
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
    /// The routes for connections above the limit.
    pub(crate) rejection_router: Router,
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
            let rejection_router = routes.rejection_router.clone();
            let metrics = self.metrics.clone();
            Listener::admin(
                socket,
                routes.admin_router,
                rejection_router,
                self.timeouts,
                metrics,
            )
        });
        let public = Listener {
            socket: sockets.public,
            router: public_router,
            rejection_router: routes.rejection_router,
            tls: self.tls.map(Arc::new),
            connection_limit: self.connection_limit,
            address_limit: Arc::new(AddressLimit::new(self.max_per_address)),
            timeouts: self.timeouts,
            metrics: self.metrics,
        };
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
