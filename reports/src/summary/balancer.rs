//! What stands in front of the nodes, and what it costs.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ProcessSummary;

/// A balancer; what it does not tell is `null`. Its sockets are those that it
/// forwards, by its own count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BalancerSummary {
    /// Its process.
    #[serde(flatten)]
    pub process: ProcessSummary,
    /// Most sockets at once that it had given to a node and that were not open yet.
    pub pending_peak: Option<u64>,
    /// Sockets that it forwards to each node, before the drain.
    pub sockets_by_node_at_end: Option<BTreeMap<String, u64>>,
    /// Processor time in the steady phase, over the sockets that it held and the
    /// seconds that it held them: microseconds for a socket and second.
    pub cpu_us_per_socket_s: Option<f64>,
}
