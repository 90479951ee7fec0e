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

/// Where it listens, and who is let in.
pub(crate) struct Listeners {
    pub(crate) public: Listener,
    pub(crate) admin: Option<Listener>,
}

/// What is behind the doors, and what both have in common.
pub(crate) struct ListenerSet {
    pub(crate) routes: Routes,
    /// Of the public one; `None` is plain TCP.
    pub(crate) tls: Option<ListenerTls>,
    /// Bounds connections that are open at once, but those of operators.
    pub(crate) connection_limit: Arc<ConnectionLimit>,
    pub(crate) timeouts: ConnectionTimeouts,
    pub(crate) metrics: ListenerMetrics,
}

/// What is served where.
pub(crate) struct Routes {
    /// On one listener for all.
    pub(crate) combined_router: Router,
    /// To the public, where operators have a listener of their own.
    pub(crate) public_router: Router,
    /// To operators there.
    pub(crate) admin_router: Router,
    /// To whom there is no room for.
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

/// Accepts until `stop` on a task of its own, so that it runs on the runtime's workers
/// like all else; it ends at once with `over`, whose child `stop` is to be, so that
/// connections end with it too.
pub(crate) fn spawn(
    listener: Listener,
    stop: CancellationToken,
    cancel: CancellationToken,
) -> JoinHandle<Option<()>> {
    tokio::spawn(cancel.run_until_cancelled_owned(run(listener, stop)))
}
