//! The load that a node reports.

use serde::{Deserialize, Serialize};

/// The load of one node, sent to gateways and to nodes that rebalance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LoadReport {
    /// The node's incarnation: milliseconds since 1970 at its start.
    pub(crate) incarnation: u64,
    /// Open device sockets.
    pub(crate) sockets: u64,
    /// The load that the application reports, in a unit that all nodes share; `None`
    /// when it reports none.
    pub(crate) reported_load: Option<f64>,
    /// Whether the node accepts new sockets.
    pub(crate) accepts_sockets: bool,
}
