//! Slow start: a node that has come gets a growing part of its share.
//!
//! The part is of what would be assigned to it, whatever the policy: in the first
//! moment a tenth, at the end all. So a cold node is not met by all arrivals at
//! once, which "the least loaded" would send it.

use std::time::Duration;

use rand::{Rng, rngs::SmallRng};

/// Smallest weight of a new node: with zero it would never warm up.
const MIN_WEIGHT: f64 = 0.1;

/// The part of its share that a node gets, `age` after it came: 0 to 1.
pub(super) fn weight(age: Duration, length: Duration) -> f64 {
    if age >= length {
        return 1.0;
    }
    (age.as_secs_f64() / length.as_secs_f64()).max(MIN_WEIGHT)
}

/// Whether a node may get what comes next.
pub(super) fn admits(weight: f64, rng: &mut SmallRng) -> bool {
    weight >= 1.0 || rng.random_bool(weight)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn it_grows_to_all() {
        let length = Duration::from_secs(10);
        let at = |seconds| weight(Duration::from_secs(seconds), length);
        assert_eq!(
            [at(0), at(1), at(5), at(10), at(99)],
            [0.1, 0.1, 0.5, 1.0, 1.0]
        );
        assert_eq!(weight(Duration::ZERO, Duration::ZERO), 1.0);
    }

    #[test]
    fn a_part_is_let_through() {
        let mut rng = SmallRng::seed_from_u64(7);
        let let_through = (0..10_000).filter(|_| admits(0.3, &mut rng)).count();
        // Five standard deviations.
        assert!((2770..=3230).contains(&let_through), "{let_through}");
        assert!((0..1000).all(|_| admits(1.0, &mut rng)));
    }
}
