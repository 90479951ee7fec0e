//! What queues at a broker that others may use too have in common.

use highwater_types::BrokerUrl;

use crate::id::ClusterName;

/// A broker, and whose readings lie in it.
#[derive(Debug, Clone)]
pub(super) struct BrokerAddress {
    pub(super) server: BrokerUrl,
    /// Part of every name there.
    pub(super) cluster: ClusterName,
}
