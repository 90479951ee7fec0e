//! The doors of a node or a gateway: the public one, and that of operators where they
//! have one.

use std::sync::Arc;

use axum::Router;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    accept::{ConnectionTimeouts, Listener, ListenerTls, run},
    metrics::ListenerMetrics,
};
use crate::net::{admission::ConnectionLimit, listen::ListenSockets};

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
    /// Bounds connections that are open at once, but those of operators.
    pub(crate) connection_limit: Arc<ConnectionLimit>,
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
    pub(crate) fn into_listeners(self, listeners: ListenSockets) -> Listeners {
        let ListenSockets { public, admin } = listeners;
        let Routes {
            combined_router,
            public_router,
            admin_router,
            rejection_router,
        } = self.routes;
        let metrics = self.metrics.clone();
        let admin_rejection_router = rejection_router.clone();
        let admin_listener = admin.map(|listener| {
            Listener::admin(
                listener,
                admin_router,
                admin_rejection_router,
                self.timeouts,
                metrics,
            )
        });
        let public_listener = Listener {
            socket: public,
            router: match admin_listener {
                Some(_) => public_router,
                None => combined_router,
            },
            rejection_router,
            tls: self.tls.map(Arc::new),
            connection_limit: self.connection_limit,
            timeouts: self.timeouts,
            metrics: self.metrics,
        };
        Listeners {
            public: public_listener,
            admin: admin_listener,
        }
    }
}

/// Accepts connections until `stop`, in a task of its own, so that it runs on the runtime's
/// workers. It ends at once with `over`. `stop` must be a child of `over`, so that connections
/// end
/// with it too.
pub(crate) fn spawn(
    listener: Listener,
    stop: CancellationToken,
    cancel: CancellationToken,
) -> JoinHandle<Option<()>> {
    tokio::spawn(cancel.run_until_cancelled_owned(run(listener, stop)))
}
