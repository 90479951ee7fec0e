//! What waits to be written to one device: bounded in frames and bytes, empty and
//! unallocated while the device is idle.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use bytes::{Buf, Bytes};
use futures_util::task::AtomicWaker;

use super::byte_budget::ByteBudget;
use crate::{
    limits::NodeLimits,
    net::ws::{close::CloseReason, encode},
};

/// Anybody pushes; the session's task writes.
///
/// | state      | on close()            | on abandon() | on push()             |
/// |------------|-----------------------|--------------|-----------------------|
/// | open       | queue close → closing | → abandoned  | queue, or full → slow |
/// | closing    | –                     | → abandoned  | refused               |
/// | abandoned  | –                     | –            | refused               |
#[derive(Default)]
pub(crate) struct WriteQueue {
    state: Mutex<QueueState>,
    waker: AtomicWaker,
    /// What waits for everybody; `None` counts for nobody.
    budget: Option<Arc<ByteBudget>>,
}

#[derive(Default)]
struct QueueState {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// Whether part of the front frame is written: it must be finished, whatever
    /// else is dropped.
    front_started: bool,
    close_state: CloseState,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum CloseState {
    #[default]
    Open,
    /// The last frame of the queue is the close.
    Closing(CloseReason),
    /// Nothing will be written any more.
    Aborted(CloseReason),
}

/// The socket is closing, or was closed just now because its queue was full.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PushRejected;

impl WriteQueue {
    /// An empty one whose bytes count in `budget`.
    pub(crate) fn with_budget(budget: Arc<ByteBudget>) -> Self {
        Self {
            state: Mutex::default(),
            waker: AtomicWaker::new(),
            budget: Some(budget),
        }
    }

    /// Queues a frame. A full queue closes the socket as a slow consumer. While too
    /// much waits for everybody, a queue is full as soon as it is not empty: those
    /// who keep up lose nothing.
    pub(crate) fn push(&self, frame: Bytes, limits: &NodeLimits) -> Result<(), PushRejected> {
        let all = self.budget.as_ref().map_or(0, |budget| budget.used());
        let pushed = self.update(|queue| {
            if queue.close_state != CloseState::Open {
                return Err(PushRejected);
            }
            let full = queue.frames.len() >= limits.write_queue_frames
                || queue.bytes + frame.len() > limits.write_queue_bytes
                || (queue.bytes > 0 && all + frame.len() > limits.total_write_queue_bytes);
            if full {
                queue.close(CloseReason::SlowConsumer);
                return Err(PushRejected);
            }
            queue.push(frame);
            Ok(())
        });
        self.waker.wake();
        pushed
    }

    /// Queues a close behind what waits; a slow consumer's queue is dropped, but for
    /// a frame begun. The first reason stays; answers whether this was it.
    pub(crate) fn close(&self, reason: CloseReason) -> bool {
        let first = self.update(|queue| {
            let first = queue.close_state == CloseState::Open;
            if first {
                queue.close(reason);
            }
            first
        });
        self.waker.wake();
        first
    }

    /// Answers the peer's close; nothing may follow.
    pub(crate) fn echo_close(&self, code: Option<u16>) {
        self.update(|queue| {
            if queue.close_state == CloseState::Open {
                queue.push(encode::close_echo(code));
                queue.close_state = CloseState::Closing(CloseReason::Device);
            }
        });
    }

    /// Gives the socket up without another word.
    pub(crate) fn abort(&self, reason: CloseReason) {
        self.update(|queue| {
            queue.close_state = match queue.close_state {
                CloseState::Open => CloseState::Aborted(reason),
                CloseState::Closing(first) | CloseState::Aborted(first) => {
                    CloseState::Aborted(first)
                }
            };
            queue.clear();
        });
        self.waker.wake();
    }

    /// Why the socket is closing, if it is.
    pub(crate) fn close_reason(&self) -> Option<CloseReason> {
        match self.lock().close_state {
            CloseState::Open => None,
            CloseState::Closing(reason) | CloseState::Aborted(reason) => Some(reason),
        }
    }

    pub(crate) fn is_aborted(&self) -> bool {
        matches!(self.lock().close_state, CloseState::Aborted(_))
    }

    /// Tells whom to wake when there is something to write.
    pub(crate) fn register_waker(&self, task: &Waker) {
        self.waker.register(task);
    }

    /// Writes with `write` until nothing is left, or until it must wait.
    pub(crate) fn poll_write(
        &self,
        write: impl FnMut(&[u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<()>> {
        self.update(|queue| queue.poll_write(write))
    }

    /// Changes the queue and keeps the common budget true.
    fn update<T>(&self, change: impl FnOnce(&mut QueueState) -> T) -> T {
        let mut queue = self.lock();
        let before = queue.bytes;
        let answer = change(&mut queue);
        if let Some(budget) = &self.budget {
            budget.update(before, queue.bytes);
        }
        answer
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => {
                    front.advance(written);
                    let done = front.is_empty();
                    self.record_written(written, done);
                }
            }
        }
        // An idle device holds no queue.
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

    fn record_written(&mut self, bytes: usize, done: bool) {
        self.bytes -= bytes;
        self.front_started = !done;
        if done {
            self.frames.pop_front();
        }
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

    fn written(outbox: &WriteQueue) -> Vec<u8> {
        let mut all = Vec::new();
        let done = outbox.poll_write(|bytes| {
            all.extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        });
        assert!(matches!(done, Poll::Ready(Ok(()))));
        all
    }

    #[test]
    fn a_full_outbox_closes_as_slow_but_finishes_the_frame_it_began() {
        let outbox = WriteQueue::default();
        for frame in ["first", "second", "third"] {
            outbox
                .push(Bytes::from_static(frame.as_bytes()), &limits())
                .unwrap();
        }
        let mut once = Some(2);
        let blocked = outbox.poll_write(|_| match once.take() {
            Some(some) => Poll::Ready(Ok(some)),
            None => Poll::Pending,
        });
        assert!(blocked.is_pending());
        assert_eq!(
            outbox.push(Bytes::from_static(b"fourth"), &limits()),
            Err(PushRejected)
        );
        assert_eq!(outbox.close_reason(), Some(CloseReason::SlowConsumer));
        let expected = [b"rst".as_slice(), &encode::close(CloseReason::SlowConsumer)].concat();
        assert_eq!(written(&outbox), expected);
    }

    #[test]
    fn bytes_are_bounded_as_well() {
        let outbox = WriteQueue::default();
        outbox.push(vec![0; 99].into(), &limits()).unwrap();
        assert_eq!(outbox.push(vec![0; 2].into(), &limits()), Err(PushRejected));
    }

    #[test]
    fn while_too_much_waits_for_everybody_only_who_is_behind_is_closed() {
        let budget = Arc::new(ByteBudget::default());
        let limits = NodeLimits {
            total_write_queue_bytes: 10,
            ..limits()
        };
        let outboxes: [WriteQueue; 3] =
            std::array::from_fn(|_| WriteQueue::with_budget(Arc::clone(&budget)));
        for outbox in &outboxes[..2] {
            outbox.push(vec![0; 6].into(), &limits).unwrap();
        }
        assert_eq!(budget.used(), 12);
        // Who keeps up is served; who is behind is not.
        outboxes[2].push(vec![0; 6].into(), &limits).unwrap();
        assert_eq!(
            outboxes[0].push(vec![0; 1].into(), &limits),
            Err(PushRejected)
        );
        assert_eq!(outboxes[0].close_reason(), Some(CloseReason::SlowConsumer));
        outboxes[1].abort(CloseReason::ConnectionLost);
        written(&outboxes[0]);
        assert_eq!(budget.used(), 6);
        drop(outboxes);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn what_was_said_before_a_close_is_still_said() {
        let outbox = WriteQueue::default();
        outbox
            .push(Bytes::from_static(b"goaway"), &limits())
            .unwrap();
        outbox.close(CloseReason::Drain);
        let expected = [b"goaway".as_slice(), &encode::close(CloseReason::Drain)].concat();
        assert_eq!(written(&outbox), expected);
    }

    #[test]
    fn the_first_reason_stays() {
        let outbox = WriteQueue::default();
        assert!(outbox.close(CloseReason::Drain));
        assert!(!outbox.close(CloseReason::Idle));
        outbox.abort(CloseReason::ConnectionLost);
        assert_eq!(outbox.close_reason(), Some(CloseReason::Drain));
        assert!(outbox.is_aborted());
    }
}
