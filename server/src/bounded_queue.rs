//! A queue bounded in items and bytes, between a producer that must not wait and a
//! consumer that may be slow: what is more is refused, and counted.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;
use tokio::sync::mpsc;

/// What an item counts against the bound in bytes.
pub(crate) trait Weigh {
    fn bytes(&self) -> usize;
}

impl Weigh for Bytes {
    fn bytes(&self) -> usize {
        self.len()
    }
}

/// The producers' side.
pub(crate) struct Sender<T> {
    items: mpsc::Sender<T>,
    counts: Arc<Counts>,
    limit_bytes: usize,
}

/// The consumer's side.
pub(crate) struct Receiver<T> {
    items: mpsc::Receiver<T>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    queued_bytes: AtomicUsize,
    refused: AtomicU64,
}

/// The item did not fit, or nobody receives any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// A queue of at most that many items and bytes.
pub(crate) fn channel<T: Weigh>(
    limit_items: usize,
    limit_bytes: usize,
) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::channel(limit_items);
    let counts = Arc::<Counts>::default();
    let sender = Sender {
        items: sender,
        counts: Arc::clone(&counts),
        limit_bytes,
    };
    let receiver = Receiver {
        items: receiver,
        counts,
    };
    (sender, receiver)
}

impl<T: Weigh> Sender<T> {
    /// Queues, or refuses at once.
    pub(crate) fn push(&self, item: T) -> Result<(), Refused> {
        let bytes = item.bytes();
        let queued = self.counts.queued_bytes.fetch_add(bytes, Relaxed) + bytes;
        if queued > self.limit_bytes || self.items.try_send(item).is_err() {
            self.counts.queued_bytes.fetch_sub(bytes, Relaxed);
            self.counts.refused.fetch_add(1, Relaxed);
            return Err(Refused);
        }
        Ok(())
    }

    /// Items refused so far.
    pub(crate) fn refused(&self) -> u64 {
        self.counts.refused.load(Relaxed)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self {
            items: self.items.clone(),
            counts: Arc::clone(&self.counts),
            limit_bytes: self.limit_bytes,
        }
    }
}

impl<T: Weigh> Receiver<T> {
    /// Waits for an item; `None` when nobody can send any more.
    pub(crate) async fn recv(&mut self) -> Option<T> {
        let item = self.items.recv().await?;
        self.counts.queued_bytes.fetch_sub(item.bytes(), Relaxed);
        Some(item)
    }

    /// Waits for items and appends them; 0 when nobody can send any more.
    pub(crate) async fn recv_many(&mut self, batch: &mut Vec<T>, limit: usize) -> usize {
        let taken = self.items.recv_many(batch, limit).await;
        let bytes: usize = batch[batch.len() - taken..].iter().map(T::bytes).sum();
        self.counts.queued_bytes.fetch_sub(bytes, Relaxed);
        taken
    }

    /// An item that waits already.
    pub(crate) fn try_recv(&mut self) -> Option<T> {
        let item = self.items.try_recv().ok()?;
        self.counts.queued_bytes.fetch_sub(item.bytes(), Relaxed);
        Some(item)
    }

    /// Throws away what waits.
    pub(crate) fn clear(&mut self) {
        while self.try_recv().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_refuses_and_counts() {
        let (sender, mut receiver) = channel(100, 10);
        let outcomes: Vec<_> = (0..5)
            .map(|_| sender.push(Bytes::from_static(b"four")).is_ok())
            .collect();
        assert_eq!(outcomes, [true, true, false, false, false]);
        assert_eq!(sender.refused(), 3);
        let mut batch = Vec::new();
        assert_eq!(receiver.recv_many(&mut batch, 100).await, 2);
        assert!(
            sender.push(Bytes::from_static(b"four")).is_ok(),
            "room again"
        );
        receiver.clear();
        assert!(
            sender.push(Bytes::from_static(&[0; 10])).is_ok(),
            "all of it"
        );
        assert_eq!(receiver.recv().await.unwrap().len(), 10);
        assert!(sender.push(Bytes::from_static(&[0; 10])).is_ok());
    }
}
