//! Counters of what goes through a backplane.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Messages and bytes (payload and envelope) since the start.
#[derive(Debug, Default)]
pub struct Traffic {
    sent: Count,
    received: Count,
}

#[derive(Debug, Default)]
struct Count {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Traffic {
    /// `(messages, bytes)` sent.
    pub fn sent(&self) -> (u64, u64) {
        self.sent.read()
    }

    /// `(messages, bytes)` received.
    pub fn received(&self) -> (u64, u64) {
        self.received.read()
    }

    pub(super) fn count_sent(&self, bytes: usize) {
        self.sent.add(bytes);
    }

    pub(super) fn count_received(&self, bytes: usize) {
        self.received.add(bytes);
    }
}

impl Count {
    fn add(&self, bytes: usize) {
        self.messages.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    fn read(&self) -> (u64, u64) {
        (self.messages.load(Relaxed), self.bytes.load(Relaxed))
    }
}
