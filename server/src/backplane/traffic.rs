//! Counters of what goes through a backplane.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a message through the backplane is, for the one who adds up both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Kind {
    /// From one node to another: each one sent is one received, if none is lost.
    Unicast,
    /// Published on a topic: one sent is one received by every other node that
    /// subscribes.
    Topic,
    /// Between a node and the backplane itself: subscriptions, signs of life,
    /// membership.
    Control,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unicast, Self::Topic, Self::Control];

    /// As in `highwater_backplane_messages_total{kind}`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unicast => "unicast",
            Self::Topic => "topic",
            Self::Control => "control",
        }
    }
}

/// Messages and bytes (payload and envelope) since the start.
#[derive(Debug, Default)]
pub struct Traffic {
    sent: [Count; Kind::ALL.len()],
    received: [Count; Kind::ALL.len()],
}

#[derive(Debug, Default)]
struct Count {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Traffic {
    /// `(messages, bytes)` sent, of all kinds.
    pub fn sent(&self) -> (u64, u64) {
        total(&self.sent)
    }

    /// `(messages, bytes)` received, of all kinds.
    pub fn received(&self) -> (u64, u64) {
        total(&self.received)
    }

    /// `(messages, bytes)` of a kind sent.
    pub fn sent_of(&self, kind: Kind) -> (u64, u64) {
        self.sent[kind as usize].read()
    }

    /// `(messages, bytes)` of a kind received.
    pub fn received_of(&self, kind: Kind) -> (u64, u64) {
        self.received[kind as usize].read()
    }

    pub(super) fn count_sent(&self, kind: Kind, bytes: usize) {
        self.sent[kind as usize].add(bytes);
    }

    pub(super) fn count_received(&self, kind: Kind, bytes: usize) {
        self.received[kind as usize].add(bytes);
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

fn total(counts: &[Count]) -> (u64, u64) {
    counts
        .iter()
        .map(Count::read)
        .fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
}
