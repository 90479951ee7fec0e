//! The counters of a backplane's traffic and of its errors.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The kind of a message, by which the counts of senders and receivers can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum MessageKind {
    /// A message from one node to another. Each sent one is received once, unless it is lost.
    Unicast,
    /// A message on a topic. Each sent one is received by every other subscribed node.
    Topic,
    /// A message between a node and the backplane itself: a subscription, a heartbeat or
    /// a view. Load reports to gateways count here as well.
    Control,
}

impl MessageKind {
    /// The kinds, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Unicast, Self::Topic, Self::Control];

    /// Returns the label value of `highwater_backplane_messages_total{kind}`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unicast => "unicast",
            Self::Topic => "topic",
            Self::Control => "control",
        }
    }
}

/// The counters since the start of the process. Bytes include payload and headers.
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
    /// Returns `(messages, bytes)` sent, of all kinds.
    pub fn sent(&self) -> (u64, u64) {
        total(&self.sent)
    }

    /// Returns `(messages, bytes)` received, of all kinds.
    pub fn received(&self) -> (u64, u64) {
        total(&self.received)
    }

    /// Returns `(messages, bytes)` sent, of one kind.
    pub fn sent_of(&self, kind: MessageKind) -> (u64, u64) {
        self.sent[kind as usize].read()
    }

    /// Returns `(messages, bytes)` received, of one kind.
    pub fn received_of(&self, kind: MessageKind) -> (u64, u64) {
        self.received[kind as usize].read()
    }

    /// Returns the messages that were rejected because the send queue was full.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Relaxed)
    }

    /// Returns the messages that arrived and were dropped because the node was too slow.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// Returns how often this node joined again. Each time, messages on their way to it
    /// are lost.
    pub fn reconnects(&self) -> u64 {
        self.reconnects.load(Relaxed)
    }

    /// Returns the silent members that this node removed.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Relaxed)
    }

    /// Returns the abandoned inboxes that this node deleted at the broker.
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
        // Relaxed suffices: a scrape may see the message without its bytes, no more.
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
