//! Counters of what goes through a backplane, and of what did not.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a message through the backplane is, for the one who adds up both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum MessageKind {
    /// From one node to another: each one sent is one received, if none is lost.
    Unicast,
    /// Published on a topic: one sent is one received by every other node that
    /// subscribes.
    Topic,
    /// Between a node and the backplane itself: subscriptions, signs of life,
    /// membership; and what a node tells gateways of itself.
    Control,
}

impl MessageKind {
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
pub struct TrafficCounters {
    sent: [Count; MessageKind::ALL.len()],
    received: [Count; MessageKind::ALL.len()],
    rejected: AtomicU64,
    dropped: AtomicU64,
    reconnects: AtomicU64,
    evicted: AtomicU64,
    inboxes_deleted: AtomicU64,
}

#[derive(Debug, Default)]
struct Count {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl TrafficCounters {
    /// `(messages, bytes)` sent, of all kinds.
    pub fn sent(&self) -> (u64, u64) {
        total(&self.sent)
    }

    /// `(messages, bytes)` received, of all kinds.
    pub fn received(&self) -> (u64, u64) {
        total(&self.received)
    }

    /// `(messages, bytes)` of a kind sent.
    pub fn sent_of(&self, kind: MessageKind) -> (u64, u64) {
        self.sent[kind as usize].read()
    }

    /// `(messages, bytes)` of a kind received.
    pub fn received_of(&self, kind: MessageKind) -> (u64, u64) {
        self.received[kind as usize].read()
    }

    /// Messages refused because the queue to the broker was full.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Relaxed)
    }

    /// Messages that arrived and were dropped because the node was too slow.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// How often this node joined again: each time, what was on its way to it is
    /// lost.
    pub fn reconnects(&self) -> u64 {
        self.reconnects.load(Relaxed)
    }

    /// Silent members that this node removed.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Relaxed)
    }

    /// Inboxes out of use that this node removed at the broker.
    pub fn inboxes_deleted(&self) -> u64 {
        self.inboxes_deleted.load(Relaxed)
    }

    pub(super) fn count_sent(&self, kind: MessageKind, bytes: usize) {
        self.sent[kind as usize].add(bytes);
    }

    pub(super) fn count_received(&self, kind: MessageKind, bytes: usize) {
        self.received[kind as usize].add(bytes);
    }

    pub(super) fn count_rejected(&self) {
        self.rejected.fetch_add(1, Relaxed);
    }

    pub(super) fn count_reconnect(&self) {
        self.reconnects.fetch_add(1, Relaxed);
    }

    pub(super) fn count_dropped(&self) {
        self.dropped.fetch_add(1, Relaxed);
    }

    pub(super) fn count_evicted(&self, members: usize) {
        self.evicted.fetch_add(members as u64, Relaxed);
    }

    pub(super) fn count_inboxes_deleted(&self, inboxes: usize) {
        self.inboxes_deleted.fetch_add(inboxes as u64, Relaxed);
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
