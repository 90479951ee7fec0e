//! A node that a policy may choose.

use std::cmp::Ordering;

use crate::id::NodeId;

/// A node that a policy may choose, and its load.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::gateway) struct Candidate {
    pub(in crate::gateway) id: NodeId,
    /// The load that the policy compares, in a unit that all candidates share. It is finite.
    pub(in crate::gateway) load: f64,
    /// Active and pending sockets, which break a tie of equal loads. 0 if they do not matter.
    pub(in crate::gateway) sockets: u64,
}

impl Candidate {
    /// Orders candidates by load.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let by_load = self.load.total_cmp(&other.load);
        by_load.then(self.sockets.cmp(&other.sockets))
    }
}
