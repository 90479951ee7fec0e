//! The one that carries least.
//!
//! Among equals any: several gateways would otherwise all take the first. All
//! arrivals go to one node until it has caught up, which is why a newcomer needs
//! slow start here more than anywhere.

use std::cmp::Ordering;

use rand::{Rng, rngs::SmallRng};

use super::Candidate;

/// `candidates` must not be empty.
pub(super) fn pick(candidates: &[Candidate], rng: &mut SmallRng) -> usize {
    let (mut best, mut equals) = (0, 1);
    for (at, candidate) in candidates.iter().enumerate().skip(1) {
        match candidate.compare(&candidates[best]) {
            Ordering::Less => (best, equals) = (at, 1),
            Ordering::Equal => {
                // Each of the equals ends up chosen with the same probability.
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
