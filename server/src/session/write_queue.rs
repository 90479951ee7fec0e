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

use super::byte_budget::Budget;
use crate::{
    config::Limits,
    ws::{close::CloseReason, encode},
};

/// Anybody pushes; the session's task writes.
///
/// | state      | on close()            | on abandon() | on push()             |
/// |------------|-----------------------|--------------|-----------------------|
/// | open       | queue close → closing | → abandoned  | queue, or full → slow |
/// | closing    | –                     | → abandoned  | refused               |
/// | abandoned  | –                     | –            | refused               |
#[derive(Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    task: AtomicWaker,
    /// What waits for everybody; `None` counts for nobody.
    budget: Option<Arc<Budget>>,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// Whether part of the front frame is written: it must be finished, whatever
    /// else is dropped.
    begun: bool,
    state: State,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// The last frame of the queue is the close.
    Closing(CloseReason),
    /// Nothing will be written any more.
    Abandoned(CloseReason),
}

/// The socket is closing, or was closed just now because its queue was full.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused;

impl Outbox {
    /// An empty one whose bytes count in `budget`.
    pub(crate) fn within(budget: Arc<Budget>) -> Self {
        Self {
            queue: Mutex::default(),
            task: AtomicWaker::new(),
            budget: Some(budget),
        }
    }

    /// Queues a frame. A full queue closes the socket as a slow consumer. While too
    /// much waits for everybody, a queue is full as soon as it is not empty: those
    /// who keep up lose nothing.
    pub(crate) fn push(&self, frame: Bytes, limits: &Limits) -> Result<(), Refused> {
        let all = self.budget.as_ref().map_or(0, |budget| budget.used());
        let pushed = self.change(|queue| {
            if queue.state != State::Open {
                return Err(Refused);
            }
            let full = queue.frames.len() >= limits.outbox_frames
                || queue.bytes + frame.len() > limits.outbox_bytes
                || (queue.bytes > 0 && all + frame.len() > limits.outboxes_bytes);
            if full {
                queue.close(CloseReason::Slow);
                return Err(Refused);
            }
            queue.push(frame);
            Ok(())
        });
        self.task.wake();
        pushed
    }

    /// Queues a close behind what waits; a slow consumer's queue is dropped, but for
    /// a frame begun. The first reason stays; answers whether this was it.
    pub(crate) fn close(&self, reason: CloseReason) -> bool {
        let first = self.change(|queue| {
            let first = queue.state == State::Open;
            if first {
                queue.close(reason);
            }
            first
        });
        self.task.wake();
        first
    }

    /// Answers the peer's close; nothing may follow.
    pub(crate) fn echo_close(&self, code: Option<u16>) {
        self.change(|queue| {
            if queue.state == State::Open {
                queue.push(encode::close_echo(code));
                queue.state = State::Closing(CloseReason::Device);
            }
        });
    }

    /// Gives the socket up without another word.
    pub(crate) fn abandon(&self, reason: CloseReason) {
        self.change(|queue| {
            queue.state = match queue.state {
                State::Open => State::Abandoned(reason),
                State::Closing(first) | State::Abandoned(first) => State::Abandoned(first),
            };
            queue.clear();
        });
        self.task.wake();
    }

    /// Why the socket is closing, if it is.
    pub(crate) fn closing(&self) -> Option<CloseReason> {
        match self.lock().state {
            State::Open => None,
            State::Closing(reason) | State::Abandoned(reason) => Some(reason),
        }
    }

    pub(crate) fn abandoned(&self) -> bool {
        matches!(self.lock().state, State::Abandoned(_))
    }

    /// Tells whom to wake when there is something to write.
    pub(crate) fn register(&self, task: &Waker) {
        self.task.register(task);
    }

    /// Writes with `write` until nothing is left, or until it must wait.
    pub(crate) fn poll_write(
        &self,
        write: impl FnMut(&[u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<()>> {
        self.change(|queue| queue.poll_write(write))
    }

    /// Changes the queue and keeps the common budget true.
    fn change<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        let mut queue = self.lock();
        let before = queue.bytes;
        let answer = change(&mut queue);
        if let Some(budget) = &self.budget {
            budget.moved(before, queue.bytes);
        }
        answer
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.change(Queue::clear);
    }
}

impl Queue {
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
                    self.wrote(written, done);
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
        if reason == CloseReason::Slow {
            self.frames.truncate(usize::from(self.begun));
            self.bytes = self.frames.iter().map(Bytes::len).sum();
        }
        self.push(encode::close(reason));
        self.state = State::Closing(reason);
    }

    fn wrote(&mut self, bytes: usize, done: bool) {
        self.bytes -= bytes;
        self.begun = !done;
        if done {
            self.frames.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            outbox_frames: 3,
            outbox_bytes: 100,
            ..Limits::default()
        }
    }

    fn written(outbox: &Outbox) -> Vec<u8> {
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
        let outbox = Outbox::default();
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
            Err(Refused)
        );
        assert_eq!(outbox.closing(), Some(CloseReason::Slow));
        let expected = [b"rst".as_slice(), &encode::close(CloseReason::Slow)].concat();
        assert_eq!(written(&outbox), expected);
    }

    #[test]
    fn bytes_are_bounded_as_well() {
        let outbox = Outbox::default();
        outbox.push(vec![0; 99].into(), &limits()).unwrap();
        assert_eq!(outbox.push(vec![0; 2].into(), &limits()), Err(Refused));
    }

    #[test]
    fn while_too_much_waits_for_everybody_only_who_is_behind_is_closed() {
        let budget = Arc::new(Budget::default());
        let limits = Limits {
            outboxes_bytes: 10,
            ..limits()
        };
        let outboxes: [Outbox; 3] = std::array::from_fn(|_| Outbox::within(Arc::clone(&budget)));
        for outbox in &outboxes[..2] {
            outbox.push(vec![0; 6].into(), &limits).unwrap();
        }
        assert_eq!(budget.used(), 12);
        // Who keeps up is served; who is behind is not.
        outboxes[2].push(vec![0; 6].into(), &limits).unwrap();
        assert_eq!(outboxes[0].push(vec![0; 1].into(), &limits), Err(Refused));
        assert_eq!(outboxes[0].closing(), Some(CloseReason::Slow));
        outboxes[1].abandon(CloseReason::Lost);
        written(&outboxes[0]);
        assert_eq!(budget.used(), 6);
        drop(outboxes);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn what_was_said_before_a_close_is_still_said() {
        let outbox = Outbox::default();
        outbox
            .push(Bytes::from_static(b"goaway"), &limits())
            .unwrap();
        outbox.close(CloseReason::Drain);
        let expected = [b"goaway".as_slice(), &encode::close(CloseReason::Drain)].concat();
        assert_eq!(written(&outbox), expected);
    }

    #[test]
    fn the_first_reason_stays() {
        let outbox = Outbox::default();
        assert!(outbox.close(CloseReason::Drain));
        assert!(!outbox.close(CloseReason::Idle));
        outbox.abandon(CloseReason::Lost);
        assert_eq!(outbox.closing(), Some(CloseReason::Drain));
        assert!(outbox.abandoned());
    }
}
