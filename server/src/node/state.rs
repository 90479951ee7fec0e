//! The state of a node.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, Ordering::Relaxed},
};

use serde::Serialize;
use strum::FromRepr;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{NodeConfig, metrics::NodeMetrics, reported_load::ReportedLoad};
#[cfg(feature = "stomp")]
use crate::stomp_relay::StompRelay;
use crate::{
    api::{AdminAccess, AllowedOrigins},
    auth::{Authenticator, LoginLimit},
    backplane::Backplane,
    cluster::{ClusterContext, DirectoryUpdate},
    intake::{PendingTelemetry, TelemetryIntake},
    net::{
        admission::{
            AddressBuckets, AdmissionControl, BucketPermit, ConnectionBudget, ConnectionShares,
            Permit, QueueDelayLimit, max_per_address,
        },
        proxies::ProxyConfig,
        task_group::TaskHealth,
    },
    session::{Session, SessionContext},
};

/// A node: it composes its parts, which know nothing of each other beyond the handles
/// that they take. All tasks of the node share one.
pub(crate) struct Node {
    pub(crate) cluster: Arc<ClusterContext>,
    pub(crate) sessions: Arc<SessionContext>,
    pub(crate) intake: Arc<TelemetryIntake>,
    pub(crate) metrics: NodeMetrics,
    /// Bounds device sockets.
    pub(crate) admission: AdmissionControl,
    /// Rejects device sockets that waited for long; `None` without a limit.
    pub(crate) upgrade_delay: Option<QueueDelayLimit>,
    /// Bounds the connections of each kind.
    pub(crate) connections: ConnectionBudget,
    /// The connections of one client address that are not device sockets.
    pub(crate) max_per_address: usize,
    /// Bounds the device sockets of one client address, if there is a limit.
    pub(crate) socket_addresses: Option<Arc<AddressBuckets>>,
    /// Checks tokens and sessions; `None` on a node without them.
    pub(crate) access: Option<Authenticator>,
    pub(crate) allowed_origins: AllowedOrigins,
    /// The proxies in front of this node.
    pub(crate) proxies: ProxyConfig,
    /// Limits wrong admin tokens.
    pub(crate) admin_limit: LoginLimit,
    admin_access: AdminAccess,
    pub(crate) reported_load: ReportedLoad,
    /// Whether a rebalancing runs: at most one does.
    pub(crate) rebalancing: AtomicBool,
    /// Whether the node's essential tasks run.
    pub(crate) task_health: TaskHealth,
    /// Cancelled to begin a drain.
    pub(crate) drain: CancellationToken,
    pub(crate) allow_faults: bool,
    pub(crate) echo: bool,
    /// Passes STOMP sessions on to a broker of others.
    #[cfg(feature = "stomp")]
    pub(crate) stomp_relay: Option<Arc<StompRelay>>,
    heap_probe: Option<fn() -> Option<u64>>,
    dropped_log_lines: Option<fn() -> u64>,
    phase: AtomicU8,
}

/// The permits of a new device socket.
pub(crate) struct SocketPermits {
    pub(crate) node: Permit,
    /// `None` without a limit for one address.
    pub(crate) address: Option<BucketPermit>,
}

/// The receivers of a node's background tasks.
pub(crate) struct NodeQueues {
    pub(crate) directory_updates: mpsc::Receiver<DirectoryUpdate>,
    pub(crate) telemetry: mpsc::Receiver<PendingTelemetry>,
}

/// The phase of a node. Phases only go forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, FromRepr)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub(crate) enum NodePhase {
    /// The node accepts sockets and is ready.
    Serving,
    /// The node is not ready, but still accepts sockets: a balancer may not have seen it
    /// yet.
    Leaving,
    /// The node accepts no new sockets and closes its own. Commands still run.
    Draining,
}

impl Node {
    pub(crate) fn new(
        config: NodeConfig,
        backplane: Arc<dyn Backplane>,
        drain: CancellationToken,
    ) -> (Self, NodeQueues) {
        let has_queue = config.telemetry_queue().is_some();
        let limits = &config.limits;
        let descriptors = descriptors_per_connection(&config);
        let shares = ConnectionShares::of_process(limits.max_connections, descriptors);
        let connections = ConnectionBudget::new(shares, limits.max_sockets);
        let admission = AdmissionControl::new(
            Arc::clone(&connections.sockets),
            limits.upgrade_rate,
            limits.upgrade_burst,
        );
        let upgrade_delay = limits.upgrade_delay.map(QueueDelayLimit::new);
        let max_per_address = max_per_address(limits.connections_per_address, shares.public);
        let socket_addresses = limits.sockets_per_address.map(AddressBuckets::new);
        let sessions = Arc::new(SessionContext::new(config.limits));
        let (cluster, directory_updates) =
            ClusterContext::new(config.id, config.routing, backplane, Arc::clone(&sessions));
        let (intake, telemetry) = TelemetryIntake::new(Arc::clone(&sessions), has_queue);
        let metrics =
            NodeMetrics::new(&sessions.metrics, cluster.topics.metrics(), &intake.metrics);
        #[cfg(feature = "stomp")]
        cluster.queues.metrics.register(&metrics.registry);
        #[cfg(feature = "stomp")]
        let stomp_relay = config.stomp_relay.map(|url| {
            let relay = StompRelay::new(url, &sessions.limits);
            relay.metrics.register(&metrics.registry);
            Arc::new(relay)
        });
        let node = Self {
            cluster: Arc::new(cluster),
            sessions,
            intake: Arc::new(intake),
            metrics,
            admission,
            upgrade_delay,
            connections,
            max_per_address,
            socket_addresses: socket_addresses.map(Arc::new),
            access: config.auth.as_ref().map(Authenticator::new),
            allowed_origins: AllowedOrigins::new(config.allowed_origins),
            proxies: config.proxies,
            admin_limit: LoginLimit::default(),
            admin_access: config
                .admin_token
                .map_or(AdminAccess::Open, AdminAccess::Token),
            reported_load: ReportedLoad::new(config.load_source),
            rebalancing: AtomicBool::new(false),
            task_health: TaskHealth::default(),
            drain,
            allow_faults: config.allow_faults,
            echo: config.echo,
            #[cfg(feature = "stomp")]
            stomp_relay,
            heap_probe: config.heap_probe,
            dropped_log_lines: config.dropped_log_lines,
            phase: AtomicU8::new(NodePhase::Serving as u8),
        };
        let queues = NodeQueues {
            directory_updates,
            telemetry,
        };
        (node, queues)
    }

    pub(crate) fn phase(&self) -> NodePhase {
        // `advance_phase` stores valid phases only.
        NodePhase::from_repr(self.phase.load(Relaxed)).unwrap_or(NodePhase::Draining)
    }

    pub(crate) fn advance_phase(&self, phase: NodePhase) {
        // The greatest wins: a node never goes back to an earlier phase.
        self.phase.fetch_max(phase as u8, Relaxed);
        if phase == NodePhase::Draining {
            self.intake.start_draining();
        }
    }

    /// Whether clients need a token.
    pub(super) fn requires_tokens(&self) -> bool {
        self.access.as_ref().is_some_and(|access| access.required)
    }

    /// Returns the access to the paths for operators on a listener of their own.
    pub(super) fn admin_access(&self) -> AdminAccess {
        self.admin_access.clone()
    }

    /// Returns the allocator's live bytes, if the process can count them.
    pub(super) fn heap_bytes(&self) -> Option<u64> {
        self.heap_probe.and_then(|probe| probe())
    }

    /// Returns the log lines that were dropped, if the process counts them.
    pub(super) fn dropped_log_lines(&self) -> Option<u64> {
        self.dropped_log_lines.map(|probe| probe())
    }

    /// Counts a socket in its limits until [`Node::release_socket`]. Permits of its own
    /// would make every idle socket larger.
    pub(crate) fn hold_socket(&self, permits: SocketPermits) {
        permits.node.forget();
        if let Some(address) = permits.address {
            address.forget();
        }
        // The HTTP connection gives its permit back when the upgrade is done. The socket
        // replaces it, so there is always room.
        self.connections.public.acquire_unchecked();
    }

    pub(in crate::node) fn release_socket(&self, session: &Session) {
        if let Some(addresses) = &self.socket_addresses {
            addresses.release(session.address_bucket);
        }
        self.admission.release();
        self.connections.public.release();
    }
}

/// Returns the descriptors that a connection takes: one, and with a relay another one to the
/// broker.
fn descriptors_per_connection(config: &NodeConfig) -> usize {
    #[cfg(feature = "stomp")]
    if config.stomp_relay.is_some() {
        return 2;
    }
    let _ = config;
    1
}
