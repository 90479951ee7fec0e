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

/// The kinds of fault, in the order in which deliveries get them.
const KINDS: [DeliveryFault; 3] = [
    DeliveryFault::Dropped,
    DeliveryFault::Duplicated,
    DeliveryFault::Delayed,
];

/// The deliveries that still get a fault.
#[derive(Default)]
pub(crate) struct MessageFaults {
    /// The sum of all kinds, so that a node without a fault reads one number.
    remaining: AtomicU64,
    by_kind: [AtomicU64; KINDS.len()],
}

impl MessageFaults {
    /// Adds deliveries that get this fault.
    pub(super) fn add(&self, fault: DeliveryFault, count: u64) {
        for (kind, left) in KINDS.iter().zip(&self.by_kind) {
            if *kind == fault {
                // The sum grows before the kind and shrinks after it, so it never falls
                // below 0.
                self.remaining.fetch_add(count, Relaxed);
                left.fetch_add(count, Relaxed);
            }
        }
    }

    /// Returns the fault of the next delivery.
    pub(crate) fn next_fault(&self) -> DeliveryFault {
        if self.remaining.load(Relaxed) == 0 {
            return DeliveryFault::NoFault;
        }
        for (kind, left) in KINDS.iter().zip(&self.by_kind) {
            let taken = left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
            if taken.is_ok() {
                self.remaining.fetch_sub(1, Relaxed);
                return *kind;
            }
        }
        DeliveryFault::NoFault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_hits_the_requested_number_of_deliveries() {
        let faults = MessageFaults::default();
        assert_eq!(faults.next_fault(), DeliveryFault::NoFault);
        faults.add(DeliveryFault::Dropped, 2);
        faults.add(DeliveryFault::Duplicated, 1);
        faults.add(DeliveryFault::Delayed, 1);
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
