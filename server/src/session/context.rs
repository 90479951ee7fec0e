//! The parts that all sessions of a node share.

use std::sync::Arc;

use super::{
    byte_budget::ByteBudget, metrics::SessionMetrics, registry::SessionRegistry, wheel::Wheel,
};
use crate::{faults::Faults, limits::NodeLimits};

/// The sessions of a node with their clock, bounds, faults and metrics. One instance
/// exists per node; connections, the cluster and the telemetry intake share it.
pub(crate) struct SessionContext {
    pub(crate) limits: NodeLimits,
    pub(crate) registry: SessionRegistry,
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
            wheel: Wheel::new(),
            faults: Faults::default(),
            metrics: SessionMetrics::new(),
            write_budget: Arc::default(),
            partial_budget: ByteBudget::default(),
        }
    }
}
