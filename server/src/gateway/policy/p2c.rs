//! The better of two at random ("The Power of Two Choices in Randomized Load
//! Balancing", Mitzenmacher, 2001).
//!
//! Nearly as even as the least loaded of all, and no herd: of n nodes none gets
//! more than 2/n of what comes, however far behind it is, and gateways that know
//! only half of each other's doings do not all take the same node.

use rand::{Rng, rngs::SmallRng};

use super::Candidate;

/// `candidates` must not be empty.
pub(super) fn pick(candidates: &[Candidate], rng: &mut SmallRng) -> usize {
    if candidates.len() == 1 {
        return 0;
    }
    let first = rng.random_range(0..candidates.len());
    // Any but the first.
    let second = (first + rng.random_range(1..candidates.len())) % candidates.len();
    match candidates[second].compare(&candidates[first]).is_lt() {
        true => second,
        false => first,
    }
}
