//! The less loaded of two random nodes ("The Power of Two Choices in Randomized Load Balancing",
//! Mitzenmacher, 2001).
//!
//! The result is nearly as even as with the least loaded of all, without a herd. None of n nodes
//! gets more than 2/n of the arrivals, however few it has, and gateways that do not know each
//! other's latest assignments do not all choose the same node.

use rand::{Rng, rngs::SmallRng};

use super::Candidate;

/// Returns the index of the chosen candidate. `candidates` must not be empty.
pub(super) fn pick(candidates: &[Candidate], rng: &mut SmallRng) -> usize {
    if candidates.len() == 1 {
        return 0;
    }
    let first = rng.random_range(0..candidates.len());
    // A node other than the first: drawn twice, one node would be no choice.
    let second = (first + rng.random_range(1..candidates.len())) % candidates.len();
    match candidates[second].compare(&candidates[first]).is_lt() {
        true => second,
        false => first,
    }
}
