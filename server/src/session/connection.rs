//! The one task of a device socket: reads into shared scratch, writes the outbox.

use std::{
    cell::RefCell,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{
    Session,
    frame::{self, FromDevice, NotAFrame},
    publish::publish,
    session::{Subscription, seconds},
    wheel::Timer,
};
use crate::{
    admission::Place,
    cluster::{self, message::Reply},
    node::Node,
    stream::{Wire, poll_give, poll_given, poll_take},
    ws::{
        close::CloseReason,
        decode::{Accepts, Decoder, Event, Flow},
        encode,
    },
};

/// One read's worth, per runtime worker rather than per socket.
const SCRATCH_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// The steady state of a device socket. Its size is paid once per idle socket, so
/// it is a hand-written future over the smallest state there is; no I/O happens
/// but when the socket is ready or the outbox has something.
pub(crate) struct Drive {
    node: Arc<Node>,
    session: Arc<Session>,
    wire: Wire,
    decoder: Decoder,
    input: Input,
}

/// What becomes of the bytes that arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Frames,
    /// The peer broke the protocol and cannot be decoded any more. What it sends is
    /// read all the same: closing over unread bytes would reset the connection and
    /// could swallow our close frame.
    Discard,
    /// The peer has closed; the connection ends once the outbox is written.
    Closed,
}

impl Drive {
    /// Takes over the socket's place.
    pub(crate) fn new(node: Arc<Node>, session: Arc<Session>, wire: Wire, place: Place) -> Self {
        place.keep();
        node.connections.stay();
        let decoder = Decoder::new(node.config.limits.device_message_bytes, Accepts::Text);
        Self {
            node,
            session,
            wire,
            decoder,
            input: Input::Frames,
        }
    }

    /// Takes what the HTTP connection had read past the upgrade request.
    pub(crate) fn feed(&mut self, early: &[u8]) {
        if !early.is_empty() {
            self.take_in(&mut early.to_vec());
        }
    }

    /// Writes the outbox as far as the socket takes it.
    fn write(&mut self, task: &mut Context<'_>) -> io::Result<()> {
        let (session, wire) = (&self.session, &mut self.wire);
        let mut has_read = false;
        let written = session.outbox.poll_write(|bytes| {
            let given = poll_give(wire, task, bytes);
            has_read |= matches!(given, Poll::Ready(Ok(1..)));
            given
        });
        // TLS may hold back what the kernel did not take.
        let written = match written {
            Poll::Ready(Ok(())) => poll_given(wire, task),
            other => other,
        };
        match written {
            Poll::Pending => {
                self.await_reader(has_read);
                Ok(())
            }
            Poll::Ready(Ok(())) => {
                self.session.unblocked();
                if self.input == Input::Closed {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                Ok(())
            }
            Poll::Ready(Err(error)) => Err(error),
        }
    }

    /// The device has to read before more can be written; whoever `has_read` some just
    /// now has its time anew.
    fn await_reader(&self, has_read: bool) {
        let now = self.node.wheel.now();
        if self.session.blocked(now, has_read) {
            let at = now + seconds(self.node.config.limits.write_timeout);
            self.node.wheel.arm(&self.session, Timer::Write, at);
        }
    }

    /// From the first moment of closing, nobody waits for a reply any more; the
    /// handshake itself gets a deadline.
    fn begin_closing(&self) {
        let Some(reason) = self.session.outbox.closing() else {
            return;
        };
        let now = self.node.wheel.now();
        if self.session.closing(now) {
            let at = now + seconds(self.node.config.limits.close_timeout);
            self.node.wheel.arm(&self.session, Timer::Close, at);
            self.node.settle(&self.session, reason);
        }
    }

    /// Reads once. An end of the stream is an error like any other.
    fn read(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        SCRATCH.with_borrow_mut(
            |scratch| match ready!(poll_take(&mut self.wire, task, scratch))? {
                0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                read => {
                    self.take_in(&mut scratch[..read]);
                    Poll::Ready(Ok(()))
                }
            },
        )
    }

    fn take_in(&mut self, bytes: &mut [u8]) {
        if self.input != Input::Frames {
            return;
        }
        self.session.seen(self.node.wheel.now());
        let kept = self.decoder.kept();
        let (node, session, input) = (&self.node, &self.session, &mut self.input);
        let fed = self.decoder.feed(bytes, |event| {
            if let Event::Close(code) = event {
                session.outbox.echo_close(code);
                *input = Input::Closed;
                return Flow::Stop;
            }
            match handle(node, session, event) {
                Ok(()) => Flow::Continue,
                Err(reason) => {
                    session.outbox.close(reason);
                    *input = Input::Discard;
                    Flow::Stop
                }
            }
        });
        if let Err(reason) = fed {
            self.session.outbox.close(reason);
            self.input = Input::Discard;
        }
        if self.input != Input::Frames {
            self.decoder.clear();
        }
        self.keep(kept);
    }

    /// Counts what is not complete, of which there was `before`. A socket alone may keep
    /// a message; all together may not.
    fn keep(&mut self, before: usize) {
        let (node, now) = (&self.node, self.decoder.kept());
        if now == before {
            return;
        }
        node.incomplete.moved(before, now);
        if now > before && node.incomplete.used() > node.config.limits.incomplete_bytes {
            self.session.outbox.close(CloseReason::NoRoom);
            self.input = Input::Discard;
            node.incomplete.moved(now, 0);
            self.decoder.clear();
        }
    }
}

impl Future for Drive {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.session.outbox.register(task.waker());
        loop {
            if this.session.outbox.abandoned() || this.write(task).is_err() {
                return Poll::Ready(());
            }
            this.begin_closing();
            if ready!(this.read(task)).is_err() {
                return Poll::Ready(());
            }
        }
    }
}

impl Drop for Drive {
    /// However the task ends, the node forgets the session.
    fn drop(&mut self) {
        let reason = self.session.outbox.closing().unwrap_or(CloseReason::Lost);
        self.session.outbox.abandon(reason);
        // First, so that a node that counts no socket owes nobody an answer.
        self.node.forget(&self.session, reason);
        self.node.incomplete.moved(self.decoder.kept(), 0);
        self.node.metrics.socket_closed(reason);
        self.node.gate.left();
        self.node.connections.leave();
    }
}

fn handle(node: &Arc<Node>, session: &Arc<Session>, event: Event<'_>) -> Result<(), CloseReason> {
    match event {
        Event::Ping(payload) => {
            node.metrics.heartbeats.inc();
            if !node.faults.ignore_pings.active() {
                // Full, the outbox closes the socket itself.
                let pong = encode::pong(payload);
                if session.outbox.push(pong, &node.config.limits).is_ok() {
                    node.metrics.pongs.inc();
                }
            }
            Ok(())
        }
        Event::Pong | Event::Close(_) => Ok(()),
        Event::Binary(_) => Err(CloseReason::Binary),
        Event::Text(text) => match frame::parse(text) {
            Ok(frame) => on_frame(node, session, frame),
            Err(NotAFrame::Json) => Err(CloseReason::BadPayload),
            Err(NotAFrame::Name) => Err(CloseReason::Policy),
        },
    }
}

fn on_frame(
    node: &Arc<Node>,
    session: &Arc<Session>,
    frame: FromDevice<'_>,
) -> Result<(), CloseReason> {
    let limits = &node.config.limits;
    match frame {
        FromDevice::Reply { id, body } => {
            if let Some(waiter) = session.replied(id) {
                let owner = node.config.id.clone();
                cluster::answer(node, waiter, Reply::Replied { owner, body });
            }
            Ok(())
        }
        FromDevice::Subscribe(_) | FromDevice::Unsubscribe(_)
            if !session.may_change_topics(node.wheel.now(), limits.topic_changes_per_s) =>
        {
            Err(CloseReason::Policy)
        }
        FromDevice::Subscribe(topic) => {
            match session.may_subscribe(&topic, limits.topics_per_device) {
                Ok(true) => {
                    let seat = node.topics.add(&topic, session, &*node.cluster.backplane);
                    session.subscribed(Subscription { topic, seat });
                }
                Ok(false) => {}
                Err(()) => return Err(CloseReason::Policy),
            }
            Ok(())
        }
        FromDevice::Unsubscribe(topic) => {
            if let Some(seat) = session.unsubscribed(&topic) {
                node.topics.remove(&topic, seat, &*node.cluster.backplane);
            }
            Ok(())
        }
        FromDevice::Reading { id, body } => {
            node.intake.take(node, session, id, body);
            Ok(())
        }
        FromDevice::Publish { topic, id, body } => {
            publish(node, session, &topic, id.as_deref(), body);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an idle socket costs in its task and its session, before the allocator
    /// rounds up. A field added here is paid a million times.
    #[test]
    fn the_steady_state_is_small() {
        assert!(size_of::<Drive>() <= 128, "{} bytes", size_of::<Drive>());
        assert!(
            size_of::<Session>() <= 224,
            "{} bytes",
            size_of::<Session>()
        );
    }
}
