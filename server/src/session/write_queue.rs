//! The frames that wait to be written to one device: bounded in number and bytes, and
//! without an allocation while the device is idle.

use std::{
    collections::VecDeque,
    io,
    sync::Arc,
    task::{Poll, Waker},
};

use bytes::{Buf, Bytes};
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

use super::byte_budget::ByteBudget;
use crate::{
    limits::NodeLimits,
    net::ws::{close::CloseReason, encode},
};

/// The write queue of a session. Any task pushes; the session's connection writes.
///
/// | state   | on `close`                   | on `abort` | on `push`                     |
/// |---------|------------------------------|------------|-------------------------------|
/// | open    | close frame queued → closing | → aborted  | queued; full → closing (slow) |
/// | closing | –                            | → aborted  | rejected                      |
/// | aborted | –                            | –          | rejected                      |
#[derive(Default)]
pub(crate) struct WriteQueue {
    state: Mutex<QueueState>,
    waker: AtomicWaker,
    /// The bytes that wait for all devices; `None` in tests.
    budget: Option<Arc<ByteBudget>>,
}

#[derive(Default)]
struct QueueState {
    frames: VecDeque<Bytes>,
    /// Bytes of `frames`.
    bytes: usize,
    /// Whether part of the front frame is written. The rest must follow even when the
    /// other frames are dropped, or the peer could not decode the close frame.
    front_started: bool,
    close_state: CloseState,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum CloseState {
    #[default]
    Open,
    /// The last frame of the queue is the close.
    Closing(CloseReason),
    /// No frame is written any more.
    Aborted(CloseReason),
}

impl CloseState {
    fn reason(self) -> Option<CloseReason> {
        match self {
            Self::Open => None,
            Self::Closing(reason) | Self::Aborted(reason) => Some(reason),
        }
    }
}

/// A rejected frame: the socket is closing, or closes now because its queue is full.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PushRejected;

impl WriteQueue {
    /// Returns an empty queue whose bytes count in `budget`.
    pub(crate) fn with_budget(budget: Arc<ByteBudget>) -> Self {
        Self {
            state: Mutex::default(),
            waker: AtomicWaker::new(),
            budget: Some(budget),
        }
    }

    /// Queues a frame. A full queue closes the socket as a slow consumer. While the budget
    /// of all devices is used up, a queue that is not empty counts as full: devices that
    /// keep up lose nothing.
    pub(crate) fn push(&self, frame: Bytes, limits: &NodeLimits) -> Result<(), PushRejected> {
        // Read without a lock: the sum may be some frames off, which a bound on memory allows.
        let waiting = self.budget.as_ref().map_or(0, |budget| budget.used());
        let pushed = self.update(|queue| {
            if queue.close_state != CloseState::Open {
                return Err(PushRejected);
            }
            let full = queue.frames.len() >= limits.write_queue_frames
                || queue.bytes + frame.len() > limits.write_queue_bytes
                || (queue.bytes > 0 && waiting + frame.len() > limits.total_write_queue_bytes);
            if full {
                queue.close(CloseReason::SlowConsumer);
                return Err(PushRejected);
            }
            queue.push(frame);
            Ok(())
        });
        // After the lock is released, because the woken task acquires it first.
        self.waker.wake();
        pushed
    }

    /// Queues a close frame behind the frames that wait. The frames of a slow consumer are
    /// dropped, except one that has begun. The first reason stays; returns whether this was
    /// the first.
    pub(crate) fn close(&self, reason: CloseReason) -> bool {
        let is_first = self.update(|queue| {
            let is_open = queue.close_state == CloseState::Open;
            if is_open {
                queue.close(reason);
            }
            is_open
        });
        self.waker.wake();
        is_first
    }

    /// Queues the answer to the peer's close frame (RFC 6455, 5.5.1). No frame may follow.
    pub(crate) fn echo_close(&self, code: Option<u16>) {
        self.update(|queue| {
            // In the closing state our close frame is queued, and the peer's is its answer.
            if queue.close_state == CloseState::Open {
                queue.push(encode::close_echo(code));
                queue.close_state = CloseState::Closing(CloseReason::Device);
            }
        });
    }

    /// Ends the socket without a close frame.
    pub(crate) fn abort(&self, reason: CloseReason) {
        self.update(|queue| {
            // An abort only shortens a close that has begun for another reason.
            let first = queue.close_state.reason().unwrap_or(reason);
            queue.close_state = CloseState::Aborted(first);
            queue.clear();
        });
        self.waker.wake();
    }

    /// Returns the reason for which the socket closes; `None` while it is open.
    pub(crate) fn close_reason(&self) -> Option<CloseReason> {
        self.state.lock().close_state.reason()
    }

    pub(crate) fn is_aborted(&self) -> bool {
        matches!(self.state.lock().close_state, CloseState::Aborted(_))
    }

    /// Sets the task to wake when there is something to write.
    pub(crate) fn register_waker(&self, task: &Waker) {
        self.waker.register(task);
    }

    /// Writes with `write` until the queue is empty or `write` is not ready.
    pub(crate) fn poll_write(
        &self,
        write: impl FnMut(&[u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<()>> {
        self.update(|queue| queue.poll_write(write))
    }

    /// Changes the queue, and the budget of all devices with it.
    fn update<T>(&self, change: impl FnOnce(&mut QueueState) -> T) -> T {
        let mut queue = self.state.lock();
        let before = queue.bytes;
        let result = change(&mut queue);
        if let Some(budget) = &self.budget {
            budget.update(before, queue.bytes);
        }
        result
    }
}

impl Drop for WriteQueue {
    fn drop(&mut self) {
        self.update(QueueState::clear);
    }
}

impl QueueState {
    fn poll_write(
        &mut self,
        mut write: impl FnMut(&[u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<()>> {
        while let Some(front) = self.frames.front_mut() {
            match write(front) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                // A stream that accepts nothing would be polled without end.
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => {
                    front.advance(written);
                    self.bytes -= written;
                    self.front_started = !front.is_empty();
                    if !self.front_started {
                        self.frames.pop_front();
                    }
                }
            }
        }
        // An idle device keeps no allocation.
        self.frames = VecDeque::new();
        Poll::Ready(Ok(()))
    }

    fn clear(&mut self) {
        self.frames = VecDeque::new();
        self.bytes = 0;
    }

    fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    fn close(&mut self, reason: CloseReason) {
        if reason == CloseReason::SlowConsumer {
            self.frames.truncate(usize::from(self.front_started));
            self.bytes = self.frames.iter().map(Bytes::len).sum();
        }
        self.push(encode::close(reason));
        self.close_state = CloseState::Closing(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> NodeLimits {
        NodeLimits {
            write_queue_frames: 3,
            write_queue_bytes: 100,
            ..NodeLimits::default()
        }
    }

    fn written(queue: &WriteQueue) -> Vec<u8> {
        let mut all = Vec::new();
        let done = queue.poll_write(|bytes| {
            all.extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        });
        assert!(matches!(done, Poll::Ready(Ok(()))));
        all
    }

    #[test]
    fn full_queue_closes_as_slow_after_the_frame_that_has_begun() {
        let queue = WriteQueue::default();
        for frame in ["first", "second", "third"] {
            queue.push(frame.into(), &limits()).unwrap();
        }
        let mut once = Some(2);
        let blocked = queue.poll_write(|_| match once.take() {
            Some(bytes) => Poll::Ready(Ok(bytes)),
            None => Poll::Pending,
        });
        assert!(blocked.is_pending());
        assert_eq!(queue.push("fourth".into(), &limits()), Err(PushRejected));
        assert_eq!(queue.close_reason(), Some(CloseReason::SlowConsumer));
        let expected = [b"rst".as_slice(), &encode::close(CloseReason::SlowConsumer)].concat();
        assert_eq!(written(&queue), expected);
    }

    #[test]
    fn queue_is_bounded_in_bytes() {
        let queue = WriteQueue::default();
        queue.push(vec![0; 99].into(), &limits()).unwrap();
        assert_eq!(queue.push(vec![0; 2].into(), &limits()), Err(PushRejected));
    }

    #[test]
    fn exceeded_budget_closes_only_devices_that_are_behind() {
        let budget = Arc::new(ByteBudget::default());
        let limits = NodeLimits {
            total_write_queue_bytes: 10,
            ..limits()
        };
        let queues: [WriteQueue; 3] =
            std::array::from_fn(|_| WriteQueue::with_budget(Arc::clone(&budget)));
        for queue in &queues[..2] {
            queue.push(vec![0; 6].into(), &limits).unwrap();
        }
        assert_eq!(budget.used(), 12);
        // The queue of the third device is empty, so it gets its frame. The first is behind.
        queues[2].push(vec![0; 6].into(), &limits).unwrap();
        let pushed = queues[0].push(vec![0; 1].into(), &limits);
        assert_eq!(pushed, Err(PushRejected));
        assert_eq!(queues[0].close_reason(), Some(CloseReason::SlowConsumer));
        queues[1].abort(CloseReason::ConnectionLost);
        written(&queues[0]);
        assert_eq!(budget.used(), 6);
        drop(queues);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn frames_before_a_close_are_written() {
        let queue = WriteQueue::default();
        queue.push("goaway".into(), &limits()).unwrap();
        queue.close(CloseReason::Drain);
        let expected = [b"goaway".as_slice(), &encode::close(CloseReason::Drain)].concat();
        assert_eq!(written(&queue), expected);
    }

    #[test]
    fn first_close_reason_stays() {
        let queue = WriteQueue::default();
        assert!(queue.close(CloseReason::Drain));
        assert!(!queue.close(CloseReason::Idle));
        queue.abort(CloseReason::ConnectionLost);
        assert_eq!(queue.close_reason(), Some(CloseReason::Drain));
        assert!(queue.is_aborted());
    }
}
