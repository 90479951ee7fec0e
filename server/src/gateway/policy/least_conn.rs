//! The least loaded node.
//!
//! All arrivals go to one node until it has caught up, so new nodes need slow start here more
//! than with any other policy.

use std::cmp::Ordering;

use rand::{Rng, rngs::SmallRng};

use super::Candidate;

/// Returns the index of the chosen candidate. `candidates` must not be empty.
pub(super) fn pick(candidates: &[Candidate], rng: &mut SmallRng) -> usize {
    let (mut best, mut equals) = (0, 1);
    for (at, candidate) in candidates.iter().enumerate().skip(1) {
        match candidate.compare(&candidates[best]) {
            Ordering::Less => (best, equals) = (at, 1),
            Ordering::Equal => {
                // Among equals a random one, each with the same probability. Otherwise several
                // gateways would all choose the first.
                equals += 1;
                if rng.random_range(0..equals) == 0 {
                    best = at;
                }
            }
            Ordering::Greater => {}
        }
    }
    best
}
