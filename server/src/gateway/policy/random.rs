//! Any.

use rand::{Rng, rngs::SmallRng};

/// One of `count`, which is above 0.
pub(super) fn pick(count: usize, rng: &mut SmallRng) -> usize {
    rng.random_range(0..count)
}
