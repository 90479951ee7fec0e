//! Where a node receives.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::NodeId;

/// Where one connection of one life of a node receives. The next connection has
/// another one, so that nobody reads what was meant for an earlier life, or for
/// the time before it was away, and whoever removes an old inbox cannot hit a
/// live one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::backplane) struct Inbox {
    pub(in crate::backplane) node: NodeId,
    /// Which life of the node: milliseconds since 1970 at its start.
    pub(in crate::backplane) incarnation: u64,
    /// Which connection of that life. Grows; the high half tells processes apart
    /// that started in the same millisecond.
    pub(in crate::backplane) connection: u64,
}

impl Inbox {
    /// Whether a later life or connection of the same node holds this one.
    pub(in crate::backplane) fn is_after(&self, other: &Self) -> bool {
        (self.incarnation, self.connection) > (other.incarnation, other.connection)
    }
}

/// A name that is unique in its cluster: the node's id, then hexadecimal digits,
/// joined by `-`.
impl fmt::Display for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}-{:x}-{:x}",
            self.node, self.incarnation, self.connection
        )
    }
}
