//! Which of two connections of a device is the newer one.

use serde::{Deserialize, Serialize};

/// Bits of the counter; the rest is the view version.
const COUNTER_BITS: u32 = 26;

/// Given by a device's home when it registers: the version of the view in the high
/// bits, the home's own counter below. Versions only grow, and within one view a
/// device has one home, so the newer registration has the greater epoch without
/// any clock being compared (after Lamport). Never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Epoch(u64);

impl Epoch {
    /// The `count`-th epoch that a home gives, in view `version`.
    pub(crate) fn new(version: u64, count: u64) -> Self {
        // At the very end of the counter, the home itself still puts a newer connection
        // above the one it knows.
        let count = count.min((1 << COUNTER_BITS) - 1);
        Self(((version << COUNTER_BITS) | count).max(1))
    }

    /// An epoch just above this one.
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// As a number; greater than 0.
    pub(crate) fn raw(self) -> u64 {
        self.0
    }

    /// The other way; 0 is none.
    pub(crate) fn from_raw(raw: u64) -> Option<Self> {
        (raw != 0).then_some(Self(raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_view_beats_any_count() {
        assert!(Epoch::new(2, 0) > Epoch::new(1, u64::MAX));
        assert!(Epoch::new(1, 2) > Epoch::new(1, 1));
        assert!(Epoch::new(0, 0).raw() > 0);
    }
}
