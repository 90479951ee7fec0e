//! The doors of a node or a gateway: the public one, and that of operators where they
//! have one.

use std::sync::Arc;

use axum::Router;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    accept::{Door, Patience, Tls, run},
    metrics::DoorMetrics,
};
use crate::{admission::Room, listen::Listeners};

/// Where it listens, and who is let in.
pub(crate) struct Doors {
    pub(crate) public: Door,
    pub(crate) operators: Option<Door>,
}

/// What is behind the doors, and what both have in common.
pub(crate) struct House {
    pub(crate) routes: Routes,
    /// Of the public one; `None` is plain TCP.
    pub(crate) tls: Option<Tls>,
    /// Bounds connections that are open at once, but those of operators.
    pub(crate) room: Arc<Room>,
    pub(crate) patience: Patience,
    pub(crate) metrics: DoorMetrics,
}

/// What is served where.
pub(crate) struct Routes {
    /// On one listener for all.
    pub(crate) everything: Router,
    /// To the public, where operators have a listener of their own.
    pub(crate) public: Router,
    /// To operators there.
    pub(crate) operators: Router,
    /// To whom there is no room for.
    pub(crate) no_room: Router,
}

impl House {
    pub(crate) fn doors(self, listeners: Listeners) -> Doors {
        let Listeners { public, admin } = listeners;
        let Routes {
            everything,
            public: of_public,
            operators,
            no_room,
        } = self.routes;
        let metrics = self.metrics.clone();
        let told = no_room.clone();
        let operators = admin
            .map(|listener| Door::for_operators(listener, operators, told, self.patience, metrics));
        let public = Door {
            listener: public,
            router: match operators {
                Some(_) => of_public,
                None => everything,
            },
            no_room,
            tls: self.tls.map(Arc::new),
            room: self.room,
            patience: self.patience,
            metrics: self.metrics,
        };
        Doors { public, operators }
    }
}

/// Accepts until `stop` on a task of its own, so that it runs on the runtime's workers
/// like all else; it ends at once with `over`, whose child `stop` is to be, so that
/// connections end with it too.
pub(crate) fn spawn(
    door: Door,
    stop: CancellationToken,
    over: CancellationToken,
) -> JoinHandle<Option<()>> {
    tokio::spawn(over.run_until_cancelled_owned(run(door, stop)))
}
