//! A queue bounded in items and bytes, between a producer that must not wait and a
//! consumer that may be slow. A full queue rejects and counts.

pub(crate) mod group;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;
use tokio::sync::mpsc;

use self::group::{GroupMembership, QueueGroup};

/// The size of an item, which counts against the bound in bytes.
pub(crate) trait ByteSize {
    fn size_bytes(&self) -> usize;
}

impl ByteSize for Bytes {
    fn size_bytes(&self) -> usize {
        self.len()
    }
}

/// The producers' side.
pub(crate) struct BoundedSender<T> {
    items: mpsc::Sender<T>,
    counts: Arc<QueueCounts>,
    limit_bytes: usize,
    /// The queues with a common bound, if this is one of them.
    group: Option<Arc<QueueGroup>>,
}

/// The consumer's side. Dropping it gives back the bytes of items that were not received.
pub(crate) struct BoundedReceiver<T: ByteSize> {
    items: mpsc::Receiver<T>,
    counts: Arc<QueueCounts>,
    membership: Option<GroupMembership>,
}

/// The counts of one queue.
#[derive(Debug, Default)]
pub(super) struct QueueCounts {
    queued_bytes: AtomicUsize,
    rejected: AtomicU64,
    /// Whether the queue takes no further items.
    is_closed: AtomicBool,
}

/// The item did not fit, or the receiver is gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct QueueFull;

/// A queue of at most that many items and bytes.
pub(crate) fn channel<T: ByteSize>(
    limit_items: usize,
    limit_bytes: usize,
) -> (BoundedSender<T>, BoundedReceiver<T>) {
    let (sender, receiver) = mpsc::channel(limit_items);
    let counts = Arc::<QueueCounts>::default();
    let sender = BoundedSender {
        items: sender,
        counts: Arc::clone(&counts),
        limit_bytes,
        group: None,
    };
    let receiver = BoundedReceiver {
        items: receiver,
        counts,
        membership: None,
    };
    (sender, receiver)
}

impl<T: ByteSize> BoundedSender<T> {
    /// Queues an item, or rejects it at once.
    pub(crate) fn push(&self, item: T) -> Result<(), QueueFull> {
        let bytes = item.size_bytes();
        // Reserved before the push, so that two producers cannot both take the last bytes.
        let queued = self.counts.queued_bytes.fetch_add(bytes, Relaxed) + bytes;
        let group = self.group.as_deref();
        let group_is_full = group.is_some_and(|group| group.add(bytes));
        let is_rejected = queued > self.limit_bytes || self.counts.is_closed.load(Relaxed);
        if is_rejected || self.items.try_send(item).is_err() {
            self.counts.queued_bytes.fetch_sub(bytes, Relaxed);
            if let Some(group) = group {
                group.remove(bytes);
                group.record_rejected();
            }
            self.counts.rejected.fetch_add(1, Relaxed);
            return Err(QueueFull);
        }
        // After the item is queued, so that one that is rejected closes no peer.
        if let Some(group) = group.filter(|_| group_is_full) {
            group.close_slowest();
        }
        Ok(())
    }

    pub(super) fn counts(&self) -> Arc<QueueCounts> {
        Arc::clone(&self.counts)
    }

    /// Counts the bytes among those of the group, too.
    fn in_group(self, group: Arc<QueueGroup>) -> Self {
        Self {
            group: Some(group),
            ..self
        }
    }

    /// Returns the number of rejected items so far.
    pub(crate) fn rejected(&self) -> u64 {
        self.counts.rejected.load(Relaxed)
    }
}

// Written by hand, because a derived `Clone` would require one of the items.
impl<T> Clone for BoundedSender<T> {
    fn clone(&self) -> Self {
        Self {
            items: self.items.clone(),
            counts: Arc::clone(&self.counts),
            limit_bytes: self.limit_bytes,
            group: self.group.clone(),
        }
    }
}

impl QueueCounts {
    /// Returns the bytes that wait.
    pub(super) fn queued(&self) -> usize {
        self.queued_bytes.load(Relaxed)
    }

    /// Rejects all further items.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Relaxed);
    }
}

impl<T: ByteSize> BoundedReceiver<T> {
    /// Gives received bytes back to the group, too.
    fn in_group(mut self, membership: GroupMembership) -> Self {
        self.membership = Some(membership);
        self
    }

    /// Waits for an item. Returns `None` when every sender is gone.
    pub(crate) async fn recv(&mut self) -> Option<T> {
        let item = self.items.recv().await;
        self.release(item.as_slice());
        item
    }

    /// Waits for items and appends them. Returns 0 when every sender is gone.
    pub(crate) async fn recv_many(&mut self, batch: &mut Vec<T>, limit: usize) -> usize {
        let taken = self.items.recv_many(batch, limit).await;
        // The batch may have held other items before.
        self.release(&batch[batch.len() - taken..]);
        taken
    }

    /// Returns an item that is queued already.
    pub(crate) fn try_recv(&mut self) -> Option<T> {
        let item = self.items.try_recv().ok();
        self.release(item.as_slice());
        item
    }

    /// Drops all queued items.
    pub(crate) fn clear(&mut self) {
        while self.try_recv().is_some() {}
    }

    fn release(&self, items: &[T]) {
        let bytes = items.iter().map(T::size_bytes).sum();
        self.counts.queued_bytes.fetch_sub(bytes, Relaxed);
        if let Some(membership) = &self.membership {
            membership.group().remove(bytes);
        }
    }
}

impl<T: ByteSize> Drop for BoundedReceiver<T> {
    fn drop(&mut self) {
        // Closed first, so that no item comes after the last one.
        self.items.close();
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn full_queue_rejects_and_counts_until_items_are_received() {
        let (sender, mut receiver) = channel(100, 10);
        let push = |bytes: usize| sender.push(Bytes::from(vec![0; bytes])).is_ok();
        let pushed = [(); 5].map(|()| push(4));
        assert_eq!(pushed, [true, true, false, false, false]);
        assert_eq!(sender.rejected(), 3);
        let mut batch = Vec::new();
        assert_eq!(receiver.recv_many(&mut batch, 100).await, 2);
        assert!(push(4), "received bytes are free");
        receiver.clear();
        assert!(push(10), "dropped bytes are free");
        assert_eq!(receiver.recv().await.unwrap().len(), 10);
        assert!(push(10));
    }
}
