//! The address of a queue at a broker that other systems may use too.

use highwater_types::BrokerUrl;

use crate::id::ClusterName;

/// A broker, and the cluster whose telemetry it queues.
#[derive(Debug, Clone)]
pub(super) struct BrokerAddress {
    pub(super) server: BrokerUrl,
    /// Part of every name at the broker.
    pub(super) cluster: ClusterName,
}
