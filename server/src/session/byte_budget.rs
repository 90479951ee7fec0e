//! The bytes that wait for all devices of a node together, in one direction.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The sum of waiting bytes over all sockets. A frame that waits for many devices counts
/// for each of them, although they share its memory, so the sum is an upper bound.
#[derive(Debug, Default)]
pub(crate) struct ByteBudget(AtomicUsize);

impl ByteBudget {
    /// Changes the share of one socket from `before` to `after` bytes.
    pub(crate) fn update(&self, before: usize, after: usize) {
        if after >= before {
            self.0.fetch_add(after - before, Relaxed);
        } else {
            self.0.fetch_sub(before - after, Relaxed);
        }
    }

    /// Returns the bytes that wait now.
    pub(crate) fn used(&self) -> usize {
        self.0.load(Relaxed)
    }
}
