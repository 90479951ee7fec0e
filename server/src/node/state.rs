//! What the parts of a node share.

use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
};

use tokio_util::sync::CancellationToken;

use super::{
    LoadSource, NodeConfig, metrics::NodeMetrics, rebalance::Rebalancing,
    registry::SessionRegistry, reported_load::PostedLoad,
};
use crate::{
    auth::Authenticator,
    cluster::{ClusterState, directory_client::unregister, send_reply, topics::Topics},
    faults::Faults,
    id::DeviceId,
    ingest::TelemetryIntake,
    message::{CommandReply, DeviceLocation, Epoch},
    net::{
        admission::{AdmissionControl, ConnectionLimit, max_connections},
        ws::close::CloseReason,
    },
    session::{Session, byte_budget::ByteBudget, session::TopicSubscription, wheel::Wheel},
};

/// Shared by every task of the node, for as long as one of them runs.
pub(crate) struct Node {
    pub(crate) config: NodeConfig,
    pub(crate) cluster: ClusterState,
    pub(crate) registry: SessionRegistry,
    pub(crate) topics: Topics,
    pub(crate) wheel: Wheel,
    pub(crate) faults: Faults,
    pub(crate) metrics: NodeMetrics,
    /// Bounds device sockets.
    pub(crate) admission: AdmissionControl,
    /// Bounds connections of all kinds on the public listener.
    pub(crate) connection_limit: Arc<ConnectionLimit>,
    /// What waits to be written to devices.
    pub(crate) write_budget: Arc<ByteBudget>,
    /// Messages of devices whose rest has not come.
    pub(crate) partial_budget: ByteBudget,
    /// Tokens and sessions, where the node knows them.
    pub(crate) access: Option<Authenticator>,
    /// Where readings go.
    pub(crate) intake: TelemetryIntake,
    /// The load that somebody posted.
    pub(crate) posted_load: PostedLoad,
    pub(crate) rebalancing: Rebalancing,
    /// Cancelled to begin a drain.
    pub(crate) drain: CancellationToken,
    phase: AtomicU8,
    command_ids: AtomicU64,
}

/// The life of a node; it only goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodePhase {
    Serving,
    /// It says that it is not ready, and still takes who comes.
    Leaving,
    /// No new sockets; the old ones are sent away, commands still run.
    Draining,
}

impl Node {
    pub(crate) fn new(
        config: NodeConfig,
        cluster: ClusterState,
        intake: TelemetryIntake,
        drain: CancellationToken,
    ) -> Self {
        let limits = &config.limits;
        Self {
            admission: AdmissionControl::new(
                limits.max_sockets,
                limits.upgrade_rate,
                limits.upgrade_burst,
            ),
            connection_limit: Arc::new(ConnectionLimit::new(max_connections(
                limits.max_connections,
                1,
            ))),
            write_budget: Arc::default(),
            partial_budget: ByteBudget::default(),
            access: config.auth.as_ref().map(Authenticator::new),
            config,
            intake,
            cluster,
            registry: SessionRegistry::new(),
            topics: Topics::default(),
            wheel: Wheel::new(),
            faults: Faults::default(),
            posted_load: PostedLoad::default(),
            rebalancing: Rebalancing::default(),
            metrics: NodeMetrics::new(),
            drain,
            phase: AtomicU8::new(0),
            command_ids: AtomicU64::new(0),
        }
    }

    pub(crate) fn phase(&self) -> NodePhase {
        match self.phase.load(Relaxed) {
            0 => NodePhase::Serving,
            1 => NodePhase::Leaving,
            _ => NodePhase::Draining,
        }
    }

    pub(crate) fn advance_phase(&self, phase: NodePhase) {
        self.phase.fetch_max(phase as u8, Relaxed);
    }

    /// The load of the node's own making, where it has one.
    pub(crate) fn reported_load(&self) -> Option<f64> {
        match self.config.load_source {
            LoadSource::Posted => self.posted_load.get(),
            LoadSource::Heap => {
                let bytes = self.config.heap_probe.and_then(|probe| probe());
                bytes.map(|bytes| bytes as f64)
            }
        }
    }

    pub(crate) fn next_command_id(&self) -> u64 {
        self.command_ids.fetch_add(1, Relaxed)
    }

    /// Whether this node owns the device, by what it holds itself.
    pub(crate) fn locate_local(&self, device: &DeviceId) -> DeviceLocation {
        let epoch = self
            .registry
            .get(device)
            .and_then(|session| session.epoch());
        epoch.map_or(DeviceLocation::NotConnected, |epoch| {
            DeviceLocation::OnNode {
                owner: self.config.id.clone(),
                epoch,
            }
        })
    }

    /// The directory has a newer connection of the device than that of `epoch`.
    pub(crate) fn mark_superseded(&self, device: &DeviceId, epoch: Epoch) {
        if let Some(session) = self.registry.get(device) {
            session.mark_superseded(epoch);
        }
    }

    /// A session is closing: who waits for its device gets an outcome, and its
    /// topics end.
    pub(crate) fn fail_pending(&self, session: &Arc<Session>, reason: CloseReason) {
        let (pending, topics) = session.take_pending();
        for TopicSubscription { topic, slot: seat } in topics {
            self.topics
                .unsubscribe(&topic, seat, &*self.cluster.backplane);
        }
        for waiter in pending {
            let owner = self.config.id.clone();
            let reply = match reason {
                CloseReason::Replaced => CommandReply::Replaced { owner },
                _ => CommandReply::Disconnected { owner },
            };
            send_reply(self, waiter, reply);
        }
    }

    /// A session ended: the node and the directory forget it.
    pub(crate) fn remove_session(&self, session: &Arc<Session>, reason: CloseReason) {
        self.registry.remove(session, None);
        self.fail_pending(session, reason);
        if let Some(epoch) = session.epoch() {
            unregister(self, session.device.clone(), epoch);
        }
    }
}
