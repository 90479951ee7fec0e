//! The counters of a backplane's traffic and of its errors.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;

/// The kind of a message, by which the counts of senders and receivers can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    sent: [MessageCount; MessageKind::ALL.len()],
    received: [MessageCount; MessageKind::ALL.len()],
    /// The messages that were rejected because the send queue was full.
    pub rejected: Counter,
    /// The messages that arrived and were dropped because the node was too slow.
    pub dropped: Counter,
    /// The number of times that this node joined again. Each time, messages on their way
    /// to it are lost.
    pub reconnects: Counter,
    /// The silent members that this node removed.
    pub evicted: Counter,
    /// The stored membership tables that this node ignored: unsigned, or not readable.
    pub tables_rejected: Counter,
    /// The abandoned inboxes that this node deleted at the broker.
    pub inboxes_deleted: Counter,
    /// The requests to a broker that bills each of them.
    pub requests: Arc<RequestCounters>,
}

/// The requests to a broker that bills each of them, by service and operation.
///
/// Other brokers have none.
#[derive(Debug, Default)]
pub struct RequestCounters {
    counts: Mutex<BTreeMap<(String, String), u64>>,
}

#[derive(Debug, Default)]
struct MessageCount {
    messages: Counter,
    bytes: Counter,
}

/// A counter that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl TrafficCounters {
    /// Returns `(messages, bytes)` sent, of one kind.
    pub fn sent(&self, kind: MessageKind) -> (u64, u64) {
        self.sent[kind as usize].get()
    }

    /// Returns `(messages, bytes)` received, of one kind.
    pub fn received(&self, kind: MessageKind) -> (u64, u64) {
        self.received[kind as usize].get()
    }

    pub(super) fn count_sent(&self, kind: MessageKind, bytes: usize) {
        self.sent[kind as usize].add(bytes);
    }

    pub(super) fn count_received(&self, kind: MessageKind, bytes: usize) {
        self.received[kind as usize].add(bytes);
    }
}

impl RequestCounters {
    /// Counts a request. The names are those of the client library, so there are few of them.
    #[cfg_attr(
        not(feature = "aws"),
        expect(dead_code, reason = "no other broker bills its requests")
    )]
    pub(super) fn count(&self, service: &str, operation: &str) {
        let key = (service.to_owned(), operation.to_owned());
        *self.counts.lock().entry(key).or_default() += 1;
    }

    /// Makes operations known that have not happened yet, so that their counts are 0.
    #[cfg_attr(
        not(feature = "aws"),
        expect(dead_code, reason = "no other broker bills its requests")
    )]
    pub(super) fn register(&self, operations: &[(&str, &str)]) {
        let mut counts = self.counts.lock();
        for (service, operation) in operations {
            let key = ((*service).to_owned(), (*operation).to_owned());
            counts.entry(key).or_default();
        }
    }

    /// Returns the counts by `(service, operation)`.
    pub fn get(&self) -> BTreeMap<(String, String), u64> {
        self.counts.lock().clone()
    }
}

impl MessageCount {
    fn add(&self, bytes: usize) {
        self.messages.add(1);
        self.bytes.add(bytes);
    }

    fn get(&self) -> (u64, u64) {
        (self.messages.get(), self.bytes.get())
    }
}

impl Counter {
    /// Returns the count.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(super) fn add(&self, count: usize) {
        // Relaxed suffices: a scrape may see a message without its bytes, no more.
        self.0.fetch_add(count as u64, Relaxed);
    }
}
