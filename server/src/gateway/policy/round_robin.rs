//! The nodes in turn, in the order of their names.

use super::Candidate;
use crate::id::NodeId;

/// Returns the index of the candidate after `last`. `candidates` are ordered by name and not
/// empty.
pub(super) fn pick(candidates: &[Candidate], last: Option<&NodeId>) -> usize {
    // By name, not by number: a node that joins or leaves would shift the turn.
    let next = candidates
        .iter()
        .position(|candidate| Some(&candidate.id) > last);
    next.unwrap_or(0)
}
