//! The faults of topic messages: the next deliveries are dropped, duplicated or delayed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The fault of one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryFault {
    NoFault,
    /// The delivery is dropped, and counted as delivered.
    Dropped,
    /// The message is delivered twice in a row.
    Duplicated,
    /// The message is delivered after the topic's next message to the same device.
    Delayed,
}

/// The deliveries that still get a fault.
#[derive(Default)]
pub(crate) struct MessageFaults {
    /// The sum of all kinds, so that a node without a fault reads one number.
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

    /// Returns the fault of the next delivery.
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

    /// Adds deliveries. The sum grows before the kind and shrinks after it, so it never
    /// falls below 0.
    fn add(&self, kind: &AtomicU64, count: u64) {
        self.remaining.fetch_add(count, Relaxed);
        kind.fetch_add(count, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_hits_the_requested_number_of_deliveries() {
        let faults = MessageFaults::default();
        assert_eq!(faults.next_fault(), DeliveryFault::NoFault);
        faults.drop_next(2);
        faults.duplicate_next(1);
        faults.delay_next(1);
        let found: Vec<DeliveryFault> = (0..5).map(|_| faults.next_fault()).collect();
        assert_eq!(
            found,
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
