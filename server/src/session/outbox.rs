//! What waits to be written to one device: bounded in frames and bytes, empty and
//! unallocated while the device is idle.

use std::{
    collections::VecDeque,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use bytes::{Buf, Bytes};
use futures_util::task::AtomicWaker;

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
    /// Queues a frame. A full queue closes the socket as a slow consumer.
    pub(crate) fn push(&self, frame: Bytes, limits: &Limits) -> Result<(), Refused> {
        let mut queue = self.lock();
        if queue.state != State::Open {
            return Err(Refused);
        }
        let full = queue.frames.len() >= limits.outbox_frames
            || queue.bytes + frame.len() > limits.outbox_bytes;
        if full {
            queue.close(CloseReason::Slow);
        } else {
            queue.push(frame);
        }
        drop(queue);
        self.task.wake();
        if full { Err(Refused) } else { Ok(()) }
    }

    /// Queues a close behind what waits; a slow consumer's queue is dropped, but for
    /// a frame begun. The first reason stays; answers whether this was it.
    pub(crate) fn close(&self, reason: CloseReason) -> bool {
        let mut queue = self.lock();
        let first = queue.state == State::Open;
        if first {
            queue.close(reason);
        }
        drop(queue);
        self.task.wake();
        first
    }

    /// Answers the peer's close; nothing may follow.
    pub(crate) fn echo_close(&self, code: Option<u16>) {
        let mut queue = self.lock();
        if queue.state == State::Open {
            queue.push(encode::close_echo(code));
            queue.state = State::Closing(CloseReason::Device);
        }
    }

    /// Gives the socket up without another word.
    pub(crate) fn abandon(&self, reason: CloseReason) {
        let mut queue = self.lock();
        queue.state = match queue.state {
            State::Open => State::Abandoned(reason),
            State::Closing(first) | State::Abandoned(first) => State::Abandoned(first),
        };
        drop(queue);
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
        mut write: impl FnMut(&[u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<()>> {
        let mut queue = self.lock();
        while let Some(front) = queue.frames.front_mut() {
            match write(front) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => {
                    front.advance(written);
                    let done = front.is_empty();
                    queue.wrote(written, done);
                }
            }
        }
        // An idle device holds no queue.
        queue.frames = VecDeque::new();
        Poll::Ready(Ok(()))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
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
