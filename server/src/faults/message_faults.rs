//! The next deliveries of topic messages are dropped, doubled or made late: as
//! many of them as asked for.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What becomes of one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryFault {
    NoFault,
    /// Never, and counted as if it had been.
    Dropped,
    /// Twice in a row.
    Duplicated,
    /// After the next message of the same topic to the same device.
    Delayed,
}

/// How many deliveries are left to go wrong.
#[derive(Default)]
pub(crate) struct MessageFaults {
    /// Of all kinds; so that a node without a fault looks at one number.
    remaining: AtomicU64,
    dropped: AtomicU64,
    duplicated: AtomicU64,
    delayed: AtomicU64,
}

impl MessageFaults {
    pub(super) fn drop_next(&self, count: u64) {
        self.add(&self.dropped, count);
    }

    pub(super) fn duplicate_next(&self, count: u64) {
        self.add(&self.duplicated, count);
    }

    pub(super) fn delay_next(&self, count: u64) {
        self.add(&self.delayed, count);
    }

    /// Asked for each delivery.
    pub(crate) fn next_fault(&self) -> DeliveryFault {
        if self.remaining.load(Relaxed) == 0 {
            return DeliveryFault::NoFault;
        }
        let kinds = [
            (&self.dropped, DeliveryFault::Dropped),
            (&self.duplicated, DeliveryFault::Duplicated),
            (&self.delayed, DeliveryFault::Delayed),
        ];
        for (left, fault) in kinds {
            let taken = left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
            if taken.is_ok() {
                self.remaining.fetch_sub(1, Relaxed);
                return fault;
            }
        }
        DeliveryFault::NoFault
    }

    /// The sum is raised first and lowered last, so it never wraps.
    fn add(&self, kind: &AtomicU64, count: u64) {
        self.remaining.fetch_add(count, Relaxed);
        kind.fetch_add(count, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_asked_for() {
        let faults = MessageFaults::default();
        assert_eq!(faults.next_fault(), DeliveryFault::NoFault);
        faults.drop_next(2);
        faults.duplicate_next(1);
        faults.delay_next(1);
        let fates: Vec<DeliveryFault> = (0..5).map(|_| faults.next_fault()).collect();
        assert_eq!(
            fates,
            [
                DeliveryFault::Dropped,
                DeliveryFault::Dropped,
                DeliveryFault::Duplicated,
                DeliveryFault::Delayed,
                DeliveryFault::NoFault
            ]
        );
    }
}
