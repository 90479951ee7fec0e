//! Exits of processes that the coordinator has not taken yet.

use highwater_process::ChildExit;
use parking_lot::Mutex;

use super::cluster_process::UnexpectedExit;

/// A node that ended because an event asked it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeExit {
    /// The node: `n1`, `n2`, …
    pub id: String,
    /// The exit of its process.
    pub exit: ChildExit,
}

/// The exits of a cluster's processes since they were last taken.
#[derive(Debug, Default)]
pub(super) struct ExitLog {
    /// Processes that ended without a request.
    pub(super) unexpected: Mutex<Vec<UnexpectedExit>>,
    /// Nodes that ended because they were asked to.
    pub(super) requested: Mutex<Vec<NodeExit>>,
}
