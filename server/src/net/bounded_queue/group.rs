//! Queues to many peers, whose bytes have a common bound besides the bound of each.
//!
//! The slowest peer, for which the most bytes wait, is closed at the common bound. A set of slow
//! peers therefore costs a bounded amount of memory, and the others lose nothing.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::{BoundedReceiver, BoundedSender, ByteSize, QueueCounts, channel};

/// The queues of all peers.
///
/// The bound is soft by one item of each producer: an item that exceeds it is queued, and then
/// the slowest peer is closed.
#[derive(Debug)]
pub(crate) struct QueueGroup {
    limit_bytes: usize,
    queued_bytes: AtomicUsize,
    /// The items that found no room, of all peers.
    rejected: AtomicU64,
    /// The peers that were closed at the common bound.
    closed_peers: AtomicU64,
    queues: Mutex<Queues>,
}

#[derive(Debug, Default)]
struct Queues {
    next_number: u64,
    open: HashMap<u64, GroupedQueue>,
}

/// The queue of one peer.
#[derive(Debug)]
struct GroupedQueue {
    counts: Arc<QueueCounts>,
    overflowed: CancellationToken,
}

/// The membership of a queue, until its receiver is dropped.
#[derive(Debug)]
pub(super) struct GroupMembership {
    group: Arc<QueueGroup>,
    number: u64,
}

/// A queue of a group.
pub(crate) struct GroupedChannel<T: ByteSize> {
    pub(crate) sender: BoundedSender<T>,
    pub(crate) receiver: BoundedReceiver<T>,
    /// Cancelled when the peer must be closed, because it was the slowest at the common bound.
    pub(crate) overflowed: CancellationToken,
}

impl QueueGroup {
    pub(crate) fn new(limit_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            limit_bytes,
            queued_bytes: AtomicUsize::new(0),
            rejected: AtomicU64::new(0),
            closed_peers: AtomicU64::new(0),
            queues: Mutex::default(),
        })
    }

    /// Creates the queue of a peer, with bounds of its own.
    pub(crate) fn channel<T: ByteSize>(
        self: &Arc<Self>,
        limit_items: usize,
        limit_bytes: usize,
    ) -> GroupedChannel<T> {
        let (sender, receiver) = channel(limit_items, limit_bytes);
        let overflowed = CancellationToken::new();
        let queue = GroupedQueue {
            counts: sender.counts(),
            overflowed: overflowed.clone(),
        };
        let number = {
            let mut queues = self.queues.lock();
            let number = queues.next_number;
            queues.next_number += 1;
            queues.open.insert(number, queue);
            number
        };
        let membership = GroupMembership {
            group: Arc::clone(self),
            number,
        };
        GroupedChannel {
            sender: sender.in_group(Arc::clone(self)),
            receiver: receiver.in_group(membership),
            overflowed,
        }
    }

    /// Counts bytes that are being queued. Returns whether all together exceed the bound.
    pub(super) fn add(&self, bytes: usize) -> bool {
        self.queued_bytes.fetch_add(bytes, Relaxed) + bytes > self.limit_bytes
    }

    /// Ends the count of bytes that were received or dropped.
    pub(super) fn remove(&self, bytes: usize) {
        self.queued_bytes.fetch_sub(bytes, Relaxed);
    }

    /// Closes peers, the slowest first, until the queues of the others are within the bound.
    pub(super) fn close_slowest(&self) {
        let queues = self.queues.lock();
        let is_closing = |queue: &GroupedQueue| queue.overflowed.is_cancelled();
        let open = || queues.open.values().filter(|queue| !is_closing(queue));
        // Without the queues that are closing: their bytes are given back soon.
        while open().map(|queue| queue.counts.queued()).sum::<usize>() > self.limit_bytes {
            let Some(slowest) = open().max_by_key(|queue| queue.counts.queued()) else {
                return;
            };
            let queued_bytes = slowest.counts.queued();
            slowest.counts.close();
            slowest.overflowed.cancel();
            self.closed_peers.fetch_add(1, Relaxed);
            tracing::warn!(
                queued_bytes,
                limit_bytes = self.limit_bytes,
                "the queues of all peers are full; closing the slowest peer"
            );
        }
    }

    /// Counts an item that found no room.
    pub(super) fn record_rejected(&self) {
        self.rejected.fetch_add(1, Relaxed);
    }

    /// Returns the common bound in bytes.
    pub(crate) fn limit_bytes(&self) -> usize {
        self.limit_bytes
    }

    /// Returns the bytes that wait for all peers together.
    pub(crate) fn queued(&self) -> usize {
        self.queued_bytes.load(Relaxed)
    }

    /// Returns the number of items so far that found no room.
    pub(crate) fn rejected(&self) -> u64 {
        self.rejected.load(Relaxed)
    }

    /// Returns the number of peers so far that were closed at the common bound.
    pub(crate) fn closed_peers(&self) -> u64 {
        self.closed_peers.load(Relaxed)
    }
}

impl GroupMembership {
    pub(super) fn group(&self) -> &QueueGroup {
        &self.group
    }
}

impl Drop for GroupMembership {
    fn drop(&mut self) {
        self.group.queues.lock().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn item(bytes: usize) -> Bytes {
        Bytes::from(vec![0; bytes])
    }

    #[tokio::test]
    async fn slowest_peer_is_closed_at_the_common_bound() {
        let group = QueueGroup::new(100);
        let queue = || group.channel::<Bytes>(100, 80);
        let (mut slow, mut fast, other) = (queue(), queue(), queue());
        assert!(slow.sender.push(item(60)).is_ok());
        assert!(fast.sender.push(item(30)).is_ok());
        assert!(other.sender.push(item(10)).is_ok());
        assert!(!slow.overflowed.is_cancelled(), "the bound is reached only");
        assert!(
            fast.sender.push(item(1)).is_ok(),
            "the fast one loses nothing"
        );
        assert!(slow.overflowed.is_cancelled());
        assert!(
            slow.sender.push(item(1)).is_err(),
            "closed to further items"
        );
        // No other peer is closed while the bytes of the closed one still count.
        assert!(fast.sender.push(item(40)).is_ok());
        assert!(!fast.overflowed.is_cancelled() && !other.overflowed.is_cancelled());
        drop(slow.receiver);
        assert_eq!(group.queued(), 81);
        let mut batch = Vec::new();
        assert_eq!(fast.receiver.recv_many(&mut batch, 10).await, 3);
        assert_eq!(group.queued(), 10);
        slow = queue();
        assert!(
            slow.sender.push(item(80)).is_ok(),
            "the bytes are free again"
        );
        drop((slow, fast, other));
        assert_eq!(group.queued(), 0);
        assert_eq!((group.closed_peers(), group.rejected()), (1, 1));
        assert!(group.queues.lock().open.is_empty());
    }

    #[test]
    fn rejected_item_counts_for_no_queue() {
        let group = QueueGroup::new(100);
        let channel = group.channel::<Bytes>(1, 50);
        assert!(channel.sender.push(item(60)).is_err());
        assert!(channel.sender.push(item(10)).is_ok());
        assert!(channel.sender.push(item(10)).is_err(), "one item at most");
        assert_eq!(group.queued(), 10);
        assert_eq!((group.closed_peers(), group.rejected()), (0, 2));
    }
}
