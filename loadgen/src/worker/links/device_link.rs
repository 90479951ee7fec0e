//! The queue to one open socket.

use std::{
    collections::VecDeque,
    task::{Context as TaskContext, Poll, Waker},
};

use parking_lot::Mutex;
use tokio::{sync::oneshot, time::Instant};

use super::outcome::Completion;
use crate::keys::DeviceKey;

/// The queue to one open socket, for the users that have work for it. It ends with the socket.
///
/// The loads bound its length: every item is a message or a command in flight.
#[derive(Debug)]
pub struct DeviceLink {
    /// The device of the socket.
    pub device: DeviceKey,
    /// The values that the device took from answers, for the requests of commands.
    pub taken: Box<[Option<Box<str>>]>,
    queue: Mutex<LinkQueue>,
}

#[derive(Debug, Default)]
struct LinkQueue {
    items: VecDeque<LinkItem>,
    /// Wakes the socket's future, once it has polled.
    waker: Option<Waker>,
    is_closed: bool,
}

/// Work for a socket.
#[derive(Debug)]
pub enum LinkItem {
    /// A message to send.
    Message(QueuedMessage),
    /// A reply to look out for.
    Reply(AwaitedReply),
}

/// A message that is to be sent.
#[derive(Debug)]
pub struct QueuedMessage {
    /// Number of the load in the plan.
    pub load: usize,
    /// The instant at which it was due.
    pub due: Instant,
    /// The waiting end.
    pub completion: Completion,
}

/// A reply to a command that comes as a frame.
#[derive(Debug)]
pub struct AwaitedReply {
    /// Number of the load in the plan.
    pub load: usize,
    /// The nonce of the command.
    pub nonce: u64,
    /// Takes the arrival of the reply; dropped when the socket ends first.
    pub arrived: oneshot::Sender<()>,
}

impl DeviceLink {
    /// Creates the queue of a socket that has just opened.
    pub fn new(device: DeviceKey, taken: Box<[Option<Box<str>>]>) -> Self {
        Self {
            device,
            taken,
            queue: Mutex::default(),
        }
    }

    /// Queues an item and wakes the socket. Returns the item if the socket has ended.
    pub fn push(&self, item: LinkItem) -> Result<(), LinkItem> {
        let mut queue = self.queue.lock();
        if queue.is_closed {
            return Err(item);
        }
        queue.items.push_back(item);
        let waker = queue.waker.take();
        // Woken without the lock, which the socket's future takes first.
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Becomes ready when there is an item.
    pub fn poll_ready(&self, task: &mut TaskContext<'_>) -> Poll<()> {
        let mut queue = self.queue.lock();
        if !queue.items.is_empty() {
            return Poll::Ready(());
        }
        match &mut queue.waker {
            Some(waker) => waker.clone_from(task.waker()),
            none => *none = Some(task.waker().clone()),
        }
        Poll::Pending
    }

    /// Takes all items.
    pub fn take_items(&self) -> VecDeque<LinkItem> {
        std::mem::take(&mut self.queue.lock().items)
    }

    /// Closes the queue. Returns the items that the socket did not take.
    pub fn close(&self) -> VecDeque<LinkItem> {
        let mut queue = self.queue.lock();
        queue.is_closed = true;
        queue.waker = None;
        std::mem::take(&mut queue.items)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, sync::Arc, time::Duration};

    use tokio::time::timeout;

    use super::*;

    fn link() -> Arc<DeviceLink> {
        let device = DeviceKey { pool: 0, index: 7 };
        Arc::new(DeviceLink::new(device, Box::default()))
    }

    fn item() -> (LinkItem, oneshot::Receiver<()>) {
        let (arrived, receiver) = oneshot::channel();
        let reply = AwaitedReply {
            load: 0,
            nonce: 1,
            arrived,
        };
        (LinkItem::Reply(reply), receiver)
    }

    #[tokio::test]
    async fn item_wakes_the_socket_that_waits() {
        let link = link();
        let waiting = tokio::spawn({
            let link = link.clone();
            async move { poll_fn(|task| link.poll_ready(task)).await }
        });
        tokio::task::yield_now().await;
        link.push(item().0).expect("the socket is open");
        let woken = timeout(Duration::from_secs(5), waiting).await;
        woken.expect("the item wakes").expect("no panic");
        assert_eq!(link.take_items().len(), 1);
    }

    #[test]
    fn closed_link_gives_items_back() {
        let link = link();
        link.push(item().0).expect("the socket is open");
        assert_eq!(link.close().len(), 1);
        assert!(link.push(item().0).is_err());
    }

    /// A worker holds one link for each open socket of a pool with messages.
    #[test]
    fn link_fits_a_hundred_bytes() {
        let size = size_of::<DeviceLink>();
        assert!(size <= 104, "{size} bytes");
    }
}
