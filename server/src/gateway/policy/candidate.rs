//! Who may be chosen.

use std::cmp::Ordering;

use crate::id::NodeId;

/// A node that may get what comes next, and what it carries.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::gateway) struct Candidate {
    pub(in crate::gateway) id: NodeId,
    /// What the policy goes by, in a unit that all candidates share; finite.
    pub(in crate::gateway) load: f64,
    /// Sockets, established and on their way, where they tell nodes of equal load
    /// apart; else 0.
    pub(in crate::gateway) sockets: u64,
}

impl Candidate {
    /// Whether this one carries less than the other, or more, or the same.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let by_load = self.load.total_cmp(&other.load);
        by_load.then(self.sockets.cmp(&other.sockets))
    }
}
