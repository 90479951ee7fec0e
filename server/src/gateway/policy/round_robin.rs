//! One after the other, in the order of their names.
//!
//! The turn is remembered by name, not by number: a node that comes or goes does
//! not send the next one twice to the same place.

use super::Candidate;
use crate::id::NodeId;

/// The one after `last`; the candidates are in the order of their names, and there
/// is one at least.
pub(super) fn pick(candidates: &[Candidate], last: Option<&NodeId>) -> usize {
    let Some(last) = last else {
        return 0;
    };
    let next = candidates.iter().position(|candidate| candidate.id > *last);
    next.unwrap_or(0)
}
