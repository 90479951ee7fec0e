//! Bytes that wait for all devices of a node together, on the way out or in.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The sum over all sockets. Of what goes out, a frame that waits for many devices
/// counts for each, although they share its memory: so it is an upper bound.
#[derive(Debug, Default)]
pub(crate) struct ByteBudget(AtomicUsize);

impl ByteBudget {
    /// A socket went from `before` bytes to `after`.
    pub(crate) fn update(&self, before: usize, after: usize) {
        if after >= before {
            self.0.fetch_add(after - before, Relaxed);
        } else {
            self.0.fetch_sub(before - after, Relaxed);
        }
    }

    /// Bytes that wait now.
    pub(crate) fn used(&self) -> usize {
        self.0.load(Relaxed)
    }
}
