//! The inbox: the address at which one connection of a node receives.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::NodeId;

/// The inbox of one connection of one incarnation of a node.
///
/// Every connection has an inbox of its own. An inbox per node or per incarnation could be
/// removed by a survivor at the moment when the node returns to it. A returned node would
/// also read frames from it that were meant for the time before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::backplane) struct Inbox {
    pub(in crate::backplane) node: NodeId,
    /// The start of the node's process, in milliseconds since 1970.
    pub(in crate::backplane) incarnation: u64,
    /// The number of the connection, which grows. Its high half is random, since two
    /// processes may start in the same millisecond.
    pub(in crate::backplane) connection: u64,
}

/// The name of the inbox, unique in its cluster: the node's id, the incarnation and the
/// connection in hexadecimal, joined by `-`.
impl fmt::Display for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}-{:x}-{:x}",
            self.node, self.incarnation, self.connection
        )
    }
}
