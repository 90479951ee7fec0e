//! What the parts of a node share.

use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
};

use tokio_util::sync::CancellationToken;

use super::{
    OwnLoad, metrics::Metrics, rebalance::Rebalancing, registry::Registry,
    reported_load::PostedLoad,
};
use crate::{
    admission::{Gate, Room, connections_at_most},
    auth::Access,
    cluster::{
        Cluster, answer,
        directory_client::unregister,
        epoch::Epoch,
        message::{Located, Reply},
        topics::Topics,
    },
    config::NodeConfig,
    faults::Faults,
    id::DeviceId,
    ingest::Intake,
    session::{Session, byte_budget::Budget, session::Subscription, wheel::Wheel},
    ws::close::CloseReason,
};

/// Shared by every task of the node, for as long as one of them runs.
pub(crate) struct Node {
    pub(crate) config: NodeConfig,
    pub(crate) cluster: Cluster,
    pub(crate) registry: Registry,
    pub(crate) topics: Topics,
    pub(crate) wheel: Wheel,
    pub(crate) faults: Faults,
    pub(crate) metrics: Metrics,
    /// Bounds device sockets.
    pub(crate) gate: Gate,
    /// Bounds connections of all kinds on the public listener.
    pub(crate) connections: Arc<Room>,
    /// What waits to be written to devices.
    pub(crate) outboxes: Arc<Budget>,
    /// Messages of devices whose rest has not come.
    pub(crate) incomplete: Budget,
    /// Tokens and sessions, where the node knows them.
    pub(crate) access: Option<Access>,
    /// Where readings go.
    pub(crate) intake: Intake,
    /// The load that somebody posted.
    pub(crate) posted_load: PostedLoad,
    pub(crate) rebalancing: Rebalancing,
    /// Cancelled to begin a drain.
    pub(crate) drain: CancellationToken,
    phase: AtomicU8,
    commands: AtomicU64,
}

/// The life of a node; it only goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Serving,
    /// It says that it is not ready, and still takes who comes.
    Leaving,
    /// No new sockets; the old ones are sent away, commands still run.
    Draining,
}

impl Node {
    pub(crate) fn new(
        config: NodeConfig,
        cluster: Cluster,
        intake: Intake,
        drain: CancellationToken,
    ) -> Self {
        let limits = &config.limits;
        Self {
            gate: Gate::new(limits.sockets, limits.upgrades, limits.upgrade_burst),
            connections: Arc::new(Room::new(connections_at_most(limits.connections, 1))),
            outboxes: Arc::default(),
            incomplete: Budget::default(),
            access: config.auth.as_ref().map(Access::new),
            config,
            intake,
            cluster,
            registry: Registry::new(),
            topics: Topics::default(),
            wheel: Wheel::new(),
            faults: Faults::default(),
            posted_load: PostedLoad::default(),
            rebalancing: Rebalancing::default(),
            metrics: Metrics::new(),
            drain,
            phase: AtomicU8::new(0),
            commands: AtomicU64::new(0),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Serving,
            1 => Phase::Leaving,
            _ => Phase::Draining,
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Relaxed);
    }

    /// The load of the node's own making, where it has one.
    pub(crate) fn own_load(&self) -> Option<f64> {
        match self.config.own_load {
            OwnLoad::Posted => self.posted_load.read(),
            OwnLoad::Heap => {
                let bytes = self.config.heap_probe.and_then(|probe| probe());
                bytes.map(|bytes| bytes as f64)
            }
        }
    }

    pub(crate) fn next_command_id(&self) -> u64 {
        self.commands.fetch_add(1, Relaxed)
    }

    /// Whether this node owns the device, by what it holds itself.
    pub(crate) fn owned_here(&self, device: &DeviceId) -> Located {
        let epoch = self
            .registry
            .get(device)
            .and_then(|session| session.epoch());
        epoch.map_or(Located::Nowhere, |epoch| Located::At {
            owner: self.config.id.clone(),
            epoch,
        })
    }

    /// The directory has a newer connection of the device than that of `epoch`.
    pub(crate) fn superseded(&self, device: &DeviceId, epoch: Epoch) {
        if let Some(session) = self.registry.get(device) {
            session.superseded(epoch);
        }
    }

    /// A session is closing: who waits for its device gets an outcome, and its
    /// topics end.
    pub(crate) fn settle(&self, session: &Arc<Session>, reason: CloseReason) {
        let (waiters, topics) = session.take();
        for Subscription { topic, seat } in topics {
            self.topics.remove(&topic, seat, &*self.cluster.backplane);
        }
        for waiter in waiters {
            let owner = self.config.id.clone();
            let reply = match reason {
                CloseReason::Replaced => Reply::Replaced { owner },
                _ => Reply::Gone { owner },
            };
            answer(self, waiter, reply);
        }
    }

    /// A session ended: the node and the directory forget it.
    pub(crate) fn forget(&self, session: &Arc<Session>, reason: CloseReason) {
        self.registry.remove(session, None);
        self.settle(session, reason);
        if let Some(epoch) = session.epoch() {
            unregister(self, session.device.clone(), epoch);
        }
    }
}
