//! One node's queue at the broker: bounded in frames and bytes, so that a node
//! that does not read stalls nobody and costs no memory without end.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use bytes::Bytes;
use tokio::sync::mpsc;

/// The sending side, shared by everyone who sends to the node.
#[derive(Clone)]
pub(super) struct Peer {
    frames: mpsc::Sender<Bytes>,
    count: Arc<Counts>,
    limit_bytes: usize,
}

/// The writing side, owned by the node's writer.
pub(super) struct Queue {
    frames: mpsc::Receiver<Bytes>,
    count: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    queued_bytes: AtomicUsize,
    dropped: AtomicU64,
}

/// A queue of at most that many frames and bytes.
pub(super) fn queue(limit_frames: usize, limit_bytes: usize) -> (Peer, Queue) {
    let (sender, receiver) = mpsc::channel(limit_frames);
    let count = Arc::<Counts>::default();
    let peer = Peer {
        frames: sender,
        count: Arc::clone(&count),
        limit_bytes,
    };
    (
        peer,
        Queue {
            frames: receiver,
            count,
        },
    )
}

impl Peer {
    /// Queues or drops.
    pub(super) fn push(&self, frame: Bytes) {
        let bytes = frame.len();
        let queued = self.count.queued_bytes.fetch_add(bytes, Relaxed) + bytes;
        if queued > self.limit_bytes || self.frames.try_send(frame).is_err() {
            self.count.queued_bytes.fetch_sub(bytes, Relaxed);
            self.count.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Frames dropped so far.
    pub(super) fn dropped(&self) -> u64 {
        self.count.dropped.load(Relaxed)
    }
}

impl Queue {
    /// Waits for frames; 0 when nobody can send any more.
    pub(super) async fn next(&mut self, batch: &mut Vec<Bytes>, limit: usize) -> usize {
        let taken = self.frames.recv_many(batch, limit).await;
        let bytes: usize = batch.iter().map(Bytes::len).sum();
        self.count.queued_bytes.fetch_sub(bytes, Relaxed);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_drops_and_counts() {
        let (peer, mut queue) = queue(100, 10);
        for _ in 0..5 {
            peer.push(Bytes::from_static(b"four"));
        }
        assert_eq!(peer.dropped(), 3);
        let mut batch = Vec::new();
        assert_eq!(queue.next(&mut batch, 100).await, 2);
        peer.push(Bytes::from_static(b"four"));
        assert_eq!(peer.dropped(), 3, "room again once it was read");
    }
}
