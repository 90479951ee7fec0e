//! What the parts of a gateway share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use tokio_util::sync::CancellationToken;

use super::{backend_set::Fleet, config::GatewayConfig, metrics::Metrics, tunnels::Tunnels};
use crate::{
    admission::{Room, connections_at_most},
    backplane::Backplane,
};

/// A connection to a client, and one to a node.
const FILES_EACH: usize = 2;

/// Shared by every task of the gateway, for as long as one of them runs.
pub(super) struct Gateway {
    pub(super) config: GatewayConfig,
    pub(super) backplane: Arc<dyn Backplane>,
    pub(super) fleet: Fleet,
    pub(super) tunnels: Tunnels,
    /// Bounds connections of all kinds on the public listener.
    pub(super) room: Arc<Room>,
    pub(super) metrics: Metrics,
    /// Cancelled to begin a drain.
    pub(super) drain: CancellationToken,
    leaving: AtomicBool,
}

impl Gateway {
    pub(super) fn new(
        config: GatewayConfig,
        backplane: Arc<dyn Backplane>,
        drain: CancellationToken,
    ) -> Self {
        let connections = connections_at_most(config.limits.connections, FILES_EACH);
        Self {
            fleet: Fleet::new(&config, rand::random()),
            tunnels: Tunnels::default(),
            room: Arc::new(Room::new(connections)),
            metrics: Metrics::new(),
            config,
            backplane,
            drain,
            leaving: AtomicBool::new(false),
        }
    }

    /// Says from now on that it is not ready; it still takes who comes.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Relaxed);
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Relaxed)
    }
}
