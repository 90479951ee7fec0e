//! The shared state of a gateway.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    backend_set::BackendSet, config::GatewayConfig, metrics::GatewayMetrics, tunnels::Tunnels,
    via::ViaName,
};
use crate::{
    api::AdminAccess,
    auth::FailedAttempts,
    backplane::Backplane,
    net::{
        admission::{ConnectionLimit, max_connections, max_per_address},
        task_group::TaskHealth,
    },
};

/// Open files of a forwarded socket: the connection to the client, and that to the node.
const FILES_PER_CONNECTION: usize = 2;

/// The state that all tasks of a gateway share.
pub(super) struct GatewayState {
    pub(super) config: GatewayConfig,
    pub(super) backplane: Arc<dyn Backplane>,
    pub(super) backends: BackendSet,
    pub(super) tunnels: Arc<Tunnels>,
    /// The name of this process in forwarded requests.
    pub(super) via: ViaName,
    /// Bounds connections of all kinds on the public listener.
    pub(super) connection_limit: Arc<ConnectionLimit>,
    /// The connections of one client address that are not forwarded sockets.
    pub(super) max_per_address: usize,
    pub(super) metrics: GatewayMetrics,
    /// Whether the gateway's essential tasks run.
    pub(super) task_health: TaskHealth,
    pub(super) admin_access: AdminAccess,
    pub(super) failed_admins: FailedAttempts,
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
        let connections = max_connections(config.limits.max_connections, FILES_PER_CONNECTION);
        let connection_limit = Arc::new(ConnectionLimit::new(connections));
        let half_close_timeout = config.limits.half_close_timeout;
        Self {
            backends: BackendSet::new(&config, rand::random()),
            tunnels: Arc::new(Tunnels::new(
                Arc::clone(&connection_limit),
                half_close_timeout,
            )),
            via: ViaName::new(&config.id),
            connection_limit,
            max_per_address: max_per_address(config.limits.connections_per_address, connections),
            metrics: GatewayMetrics::new(),
            admin_access: config
                .admin_token
                .clone()
                .map_or(AdminAccess::Open, AdminAccess::Token),
            failed_admins: FailedAttempts::default(),
            config,
            backplane,
            task_health: TaskHealth::default(),
            drain,
            leaving: CancellationToken::new(),
        }
    }
}
