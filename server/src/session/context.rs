//! The parts that all sessions of a node share.

use std::sync::Arc;

use super::{
    Session, byte_budget::ByteBudget, metrics::SessionMetrics, registry::SessionRegistry,
    wheel::Wheel,
};
use crate::{faults::Faults, limits::NodeLimits};

/// The sessions of a node with their clock, bounds, faults and metrics. One instance
/// exists per node; connections, the cluster and the telemetry intake share it.
pub(crate) struct SessionContext {
    pub(crate) limits: NodeLimits,
    /// The sessions of devices.
    pub(crate) registry: SessionRegistry,
    /// The sessions of clients that are not devices, by the names that the node made.
    pub(crate) clients: SessionRegistry,
    pub(crate) wheel: Wheel,
    pub(crate) faults: Faults,
    pub(crate) metrics: SessionMetrics,
    /// Bytes that wait to be written to devices. Each write queue holds it too: it
    /// outlives this context in queues that are still referred to.
    pub(crate) write_budget: Arc<ByteBudget>,
    /// Bytes of messages from devices that are not complete.
    pub(crate) partial_budget: ByteBudget,
}

impl SessionContext {
    pub(crate) fn new(limits: NodeLimits) -> Self {
        Self {
            limits,
            registry: SessionRegistry::default(),
            clients: SessionRegistry::default(),
            wheel: Wheel::new(),
            faults: Faults::default(),
            metrics: SessionMetrics::new(),
            write_budget: Arc::default(),
            partial_budget: ByteBudget::default(),
        }
    }

    /// Calls `visit` for the session of every socket. As with a registry, `visit` must not use
    /// the registries.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Arc<Session>)) {
        self.registry.for_each(&mut visit);
        self.clients.for_each(visit);
    }
}
