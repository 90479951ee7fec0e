//! The shared state of a gateway.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    backend_set::BackendSet, config::GatewayConfig, metrics::GatewayMetrics, tunnels::Tunnels,
    via::ViaName,
};
use crate::{
    api::OperatorAccess,
    backplane::Backplane,
    net::{
        admission::{ConnectionBudget, ConnectionLimit, ConnectionShares, max_per_address},
        task_group::TaskHealth,
    },
};

/// Open files of a forwarded socket: the connection to the client, and that to the node.
const FILES_PER_CONNECTION: usize = 2;
/// Most idle connections to all nodes together: half of the files that forwarded sockets never
/// take.
const MAX_IDLE_CONNECTIONS: usize = 128;

/// The state that all tasks of a gateway share.
pub(super) struct GatewayState {
    pub(super) config: GatewayConfig,
    pub(super) backplane: Arc<dyn Backplane>,
    pub(super) backends: BackendSet,
    pub(super) tunnels: Arc<Tunnels>,
    /// The name of this process in forwarded requests.
    pub(super) via: ViaName,
    /// Bounds the connections of each kind.
    pub(super) connections: ConnectionBudget,
    /// Bounds the idle connections to all nodes together.
    pub(super) idle_connections: Arc<ConnectionLimit>,
    /// The connections of one client address that are not forwarded sockets.
    pub(super) max_per_address: usize,
    pub(super) metrics: GatewayMetrics,
    /// Whether the gateway's essential tasks run.
    pub(super) task_health: TaskHealth,
    pub(super) operators: OperatorAccess,
    /// Cancelled to begin a drain.
    pub(super) drain: CancellationToken,
    /// Cancelled when `/readyz` begins to fail.
    pub(super) leaving: CancellationToken,
}

impl GatewayState {
    pub(super) fn new(
        config: GatewayConfig,
        backplane: Arc<dyn Backplane>,
        drain: CancellationToken,
    ) -> Self {
        let limits = &config.limits;
        let shares = ConnectionShares::of_process(limits.max_connections, FILES_PER_CONNECTION);
        let connections = ConnectionBudget::new(shares, None);
        let half_close_timeout = config.limits.half_close_timeout;
        Self {
            backends: BackendSet::new(&config, rand::random()),
            tunnels: Arc::new(Tunnels::new(connections.clone(), half_close_timeout)),
            via: ViaName::new(&config.id),
            connections,
            idle_connections: Arc::new(ConnectionLimit::new(Some(max_idle(&shares)))),
            max_per_address: max_per_address(limits.connections_per_address, shares.public),
            metrics: GatewayMetrics::new(),
            operators: OperatorAccess::new(config.admin_token.clone()),
            config,
            backplane,
            task_health: TaskHealth::default(),
            drain,
            leaving: CancellationToken::new(),
        }
    }
}

/// Returns the idle connections to all nodes that the open files have room for: as many as the
/// clients that sockets leave room for, each with one file of its own.
fn max_idle(shares: &ConnectionShares) -> usize {
    match (shares.public, shares.sockets) {
        (Some(public), Some(sockets)) => (public - sockets).min(MAX_IDLE_CONNECTIONS),
        _ => MAX_IDLE_CONNECTIONS,
    }
}
