//! The state that all tasks of a gateway share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use tokio_util::sync::CancellationToken;

use super::{
    backend_set::BackendSet, config::GatewayConfig, metrics::GatewayMetrics, tunnels::Tunnels,
};
use crate::{
    backplane::Backplane,
    net::admission::{ConnectionLimit, max_connections},
};

/// A connection to a client, and one to a node.
const FILES_PER_CONNECTION: usize = 2;

/// Shared by every task of the gateway, for as long as one of them runs.
pub(super) struct GatewayState {
    pub(super) config: GatewayConfig,
    pub(super) backplane: Arc<dyn Backplane>,
    pub(super) backends: BackendSet,
    pub(super) tunnels: Arc<Tunnels>,
    /// Bounds connections of all kinds on the public listener.
    pub(super) connection_limit: Arc<ConnectionLimit>,
    pub(super) metrics: GatewayMetrics,
    /// Cancelled to begin a drain.
    pub(super) drain: CancellationToken,
    leaving: AtomicBool,
}

impl GatewayState {
    pub(super) fn new(
        config: GatewayConfig,
        backplane: Arc<dyn Backplane>,
        drain: CancellationToken,
    ) -> Self {
        let connections = max_connections(config.limits.max_connections, FILES_PER_CONNECTION);
        let connection_limit = Arc::new(ConnectionLimit::new(connections));
        let half_close_timeout = config.limits.half_close_timeout;
        Self {
            backends: BackendSet::new(&config, rand::random()),
            tunnels: Arc::new(Tunnels::new(
                Arc::clone(&connection_limit),
                half_close_timeout,
            )),
            connection_limit,
            metrics: GatewayMetrics::new(),
            config,
            backplane,
            drain,
            leaving: AtomicBool::new(false),
        }
    }

    /// Says from now on that it is not ready; it still takes who comes.
    pub(super) fn start_leaving(&self) {
        self.leaving.store(true, Relaxed);
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Relaxed)
    }
}
