//! Slow start: a new node gets a growing part of its share.
//!
//! The part applies to whatever the policy would assign to the node, and grows from a tenth to
//! all. Otherwise the least loaded node, which is still cold, would get all arrivals at once.

use std::time::Duration;

use rand::{Rng, rngs::SmallRng};

/// Smallest weight of a new node.
// With 0 it would get nothing, and never warm up.
const MIN_WEIGHT: f64 = 0.1;

/// Returns the part of its share that a node gets, `age` after it came up: 0 to 1.
pub(super) fn weight(age: Duration, length: Duration) -> f64 {
    // First, because a length of 0 turns slow start off.
    if age >= length {
        return 1.0;
    }
    (age.as_secs_f64() / length.as_secs_f64()).max(MIN_WEIGHT)
}

/// Whether a node may get the next socket or request.
pub(super) fn admits(weight: f64, rng: &mut SmallRng) -> bool {
    weight >= 1.0 || rng.random_bool(weight)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn weight_grows_from_a_tenth_to_all() {
        let length = Duration::from_secs(10);
        let at = |seconds| weight(Duration::from_secs(seconds), length);
        assert_eq!(
            [at(0), at(1), at(5), at(10), at(99)],
            [0.1, 0.1, 0.5, 1.0, 1.0]
        );
        assert_eq!(weight(Duration::ZERO, Duration::ZERO), 1.0);
    }

    #[test]
    fn node_is_admitted_by_its_weight() {
        let mut rng = SmallRng::seed_from_u64(7);
        let admitted = (0..10_000).filter(|_| admits(0.3, &mut rng)).count();
        // 3,000 with a tolerance of five standard deviations.
        assert!((2770..=3230).contains(&admitted), "{admitted}");
        assert!((0..1000).all(|_| admits(1.0, &mut rng)));
    }
}
