//! The number of answers that this node has given about each slot.
//!
//! A listing leaves out a connection whose registration is under way, and the slot owner then
//! removes the entry that the registration has just made. The count tells the registration:
//!
//! ```text
//! registration   read ──► request ──► answer ──► set the epoch ──► read again: changed?
//! listing              count ──► list the sessions with an epoch
//! ```
//!
//! Either the listing sees the epoch, or the registration sees the count.

use std::{
    iter,
    sync::atomic::{AtomicU32, Ordering::SeqCst},
};

use crate::{
    id::DeviceId,
    message::{SLOTS, slot_of},
};

/// The counts of all slots.
pub(super) struct PullCounts {
    by_slot: Box<[AtomicU32]>,
}

impl Default for PullCounts {
    fn default() -> Self {
        Self {
            by_slot: iter::repeat_with(AtomicU32::default).take(SLOTS).collect(),
        }
    }
}

impl PullCounts {
    /// Counts an answer about a slot. Must come before the sessions of the slot are read.
    pub(super) fn add(&self, slot: u16) {
        // Another node may name a slot that there is not.
        if let Some(count) = self.by_slot.get(usize::from(slot)) {
            count.fetch_add(1, SeqCst);
        }
    }

    /// Returns the number of answers about the slot of a device.
    pub(super) fn of(&self, device: &DeviceId) -> u32 {
        let count = self.by_slot.get(usize::from(slot_of(device)));
        count.map_or(0, |count| count.load(SeqCst))
    }
}
