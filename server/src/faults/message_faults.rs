//! The next deliveries of topic messages are dropped, doubled or made late: as
//! many of them as asked for.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What becomes of one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Delivered,
    /// Never, and counted as if it had been.
    Dropped,
    /// Twice in a row.
    Doubled,
    /// After the next message of the same topic to the same device.
    Late,
}

/// How many deliveries are left to go wrong.
#[derive(Default)]
pub(crate) struct Messages {
    /// Of all kinds; so that a node without a fault looks at one number.
    left: AtomicU64,
    dropped: AtomicU64,
    doubled: AtomicU64,
    late: AtomicU64,
}

impl Messages {
    pub(super) fn drop_next(&self, count: u64) {
        self.add(&self.dropped, count);
    }

    pub(super) fn double_next(&self, count: u64) {
        self.add(&self.doubled, count);
    }

    pub(super) fn delay_next(&self, count: u64) {
        self.add(&self.late, count);
    }

    /// Asked for each delivery.
    pub(crate) fn fate(&self) -> Fate {
        if self.left.load(Relaxed) == 0 {
            return Fate::Delivered;
        }
        let kinds = [
            (&self.dropped, Fate::Dropped),
            (&self.doubled, Fate::Doubled),
            (&self.late, Fate::Late),
        ];
        for (left, fate) in kinds {
            let taken = left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
            if taken.is_ok() {
                self.left.fetch_sub(1, Relaxed);
                return fate;
            }
        }
        Fate::Delivered
    }

    /// The sum is raised first and lowered last, so it never wraps.
    fn add(&self, kind: &AtomicU64, count: u64) {
        self.left.fetch_add(count, Relaxed);
        kind.fetch_add(count, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_asked_for() {
        let faults = Messages::default();
        assert_eq!(faults.fate(), Fate::Delivered);
        faults.drop_next(2);
        faults.double_next(1);
        faults.delay_next(1);
        let fates: Vec<Fate> = (0..5).map(|_| faults.fate()).collect();
        assert_eq!(
            fates,
            [
                Fate::Dropped,
                Fate::Dropped,
                Fate::Doubled,
                Fate::Late,
                Fate::Delivered
            ]
        );
    }
}
