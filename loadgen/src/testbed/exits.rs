//! Exits of processes that the coordinator has not taken yet.

use std::mem;

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
    unexpected: Mutex<Vec<UnexpectedExit>>,
    requested: Mutex<Vec<NodeExit>>,
}

impl ExitLog {
    /// Records processes that ended without a request.
    pub(super) fn record_unexpected(&self, exits: impl IntoIterator<Item = UnexpectedExit>) {
        self.unexpected.lock().extend(exits);
    }

    /// Records a node that ended because it was asked to.
    pub(super) fn record_requested(&self, id: &str, exit: ChildExit) {
        self.requested.lock().push(NodeExit {
            id: id.to_owned(),
            exit,
        });
    }

    /// Takes the processes that ended without a request.
    pub(super) fn take_unexpected(&self) -> Vec<UnexpectedExit> {
        mem::take(&mut *self.unexpected.lock())
    }

    /// Takes the nodes that ended because they were asked to.
    pub(super) fn take_requested(&self) -> Vec<NodeExit> {
        mem::take(&mut *self.requested.lock())
    }
}
