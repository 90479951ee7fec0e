//! The address of a queue at a broker that other systems may use too.

use crate::{backplane::ServerUrl, id::ClusterName};

/// A broker, and the cluster whose telemetry it queues.
#[derive(Debug, Clone)]
pub(super) struct BrokerAddress {
    pub(super) server: ServerUrl,
    /// Part of every name at the broker.
    pub(super) cluster: ClusterName,
}
