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
    frame::{self, FromDevice, InvalidFrame},
    publish::publish,
    session::{TopicSubscription, whole_seconds},
    wheel::Timer,
};
use crate::{
    cluster,
    message::CommandReply,
    net::{
        admission::Permit,
        stream::{MaybeTlsStream, poll_flush, poll_read, poll_write},
        ws::{
            close::CloseReason,
            decode::{AllowedMessages, DecodeControl, WsDecoder, WsEvent},
            encode,
        },
    },
    node::Node,
};

/// One read's worth, per runtime worker rather than per socket.
const SCRATCH_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// The steady state of a device socket. Its size is paid once per idle socket, so
/// it is a hand-written future over the smallest state there is; no I/O happens
/// but when the socket is ready or the outbox has something.
pub(crate) struct DeviceConnection {
    node: Arc<Node>,
    session: Arc<Session>,
    stream: MaybeTlsStream,
    decoder: WsDecoder,
    read_state: ReadState,
}

/// What becomes of the bytes that arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadState {
    Frames,
    /// The peer broke the protocol and cannot be decoded any more. What it sends is
    /// read all the same: closing over unread bytes would reset the connection and
    /// could swallow our close frame.
    Discard,
    /// The peer has closed; the connection ends once the outbox is written.
    Closed,
}

impl DeviceConnection {
    /// Takes over the socket's place.
    pub(crate) fn new(
        node: Arc<Node>,
        session: Arc<Session>,
        stream: MaybeTlsStream,
        permit: Permit,
    ) -> Self {
        permit.forget();
        node.connection_limit.acquire_unchecked();
        let decoder = WsDecoder::new(
            node.config.limits.device_message_bytes,
            AllowedMessages::Text,
        );
        Self {
            node,
            session,
            stream,
            decoder,
            read_state: ReadState::Frames,
        }
    }

    /// Takes what the HTTP connection had read past the upgrade request.
    pub(crate) fn feed(&mut self, early: &[u8]) {
        if !early.is_empty() {
            self.process_input(&mut early.to_vec());
        }
    }

    /// Writes the outbox as far as the socket takes it.
    fn write(&mut self, task: &mut Context<'_>) -> io::Result<()> {
        let (session, stream) = (&self.session, &mut self.stream);
        let mut has_read = false;
        let written = session.write_queue.poll_write(|bytes| {
            let given = poll_write(stream, task, bytes);
            has_read |= matches!(given, Poll::Ready(Ok(1..)));
            given
        });
        // TLS may hold back what the kernel did not take.
        let written = match written {
            Poll::Ready(Ok(())) => poll_flush(stream, task),
            other => other,
        };
        match written {
            Poll::Pending => {
                self.arm_write_timeout(has_read);
                Ok(())
            }
            Poll::Ready(Ok(())) => {
                self.session.clear_write_blocked();
                if self.read_state == ReadState::Closed {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                Ok(())
            }
            Poll::Ready(Err(error)) => Err(error),
        }
    }

    /// The device has to read before more can be written; whoever `has_read` some just
    /// now has its time anew.
    fn arm_write_timeout(&self, has_read: bool) {
        let now = self.node.wheel.now();
        if self.session.record_write_blocked(now, has_read) {
            let at = now + whole_seconds(self.node.config.limits.write_timeout);
            self.node.wheel.arm(&self.session, Timer::Write, at);
        }
    }

    /// From the first moment of closing, nobody waits for a reply any more; the
    /// handshake itself gets a deadline.
    fn begin_closing(&self) {
        let Some(reason) = self.session.write_queue.close_reason() else {
            return;
        };
        let now = self.node.wheel.now();
        if self.session.begin_close(now) {
            let at = now + whole_seconds(self.node.config.limits.close_timeout);
            self.node.wheel.arm(&self.session, Timer::Close, at);
            self.node.fail_pending(&self.session, reason);
        }
    }

    /// Reads once. An end of the stream is an error like any other.
    fn read(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        SCRATCH.with_borrow_mut(|scratch| {
            match ready!(poll_read(&mut self.stream, task, scratch))? {
                0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                read => {
                    self.process_input(&mut scratch[..read]);
                    Poll::Ready(Ok(()))
                }
            }
        })
    }

    fn process_input(&mut self, bytes: &mut [u8]) {
        if self.read_state != ReadState::Frames {
            return;
        }
        self.session.record_activity(self.node.wheel.now());
        let kept = self.decoder.buffered_bytes();
        let (node, session, read_state) = (&self.node, &self.session, &mut self.read_state);
        let fed = self.decoder.feed(bytes, |event| {
            if let WsEvent::Close(code) = event {
                session.write_queue.echo_close(code);
                *read_state = ReadState::Closed;
                return DecodeControl::Stop;
            }
            match on_event(node, session, event) {
                Ok(()) => DecodeControl::Continue,
                Err(reason) => {
                    session.write_queue.close(reason);
                    *read_state = ReadState::Discard;
                    DecodeControl::Stop
                }
            }
        });
        if let Err(reason) = fed {
            self.session.write_queue.close(reason);
            self.read_state = ReadState::Discard;
        }
        if self.read_state != ReadState::Frames {
            self.decoder.clear();
        }
        self.update_partial_bytes(kept);
    }

    /// Counts what is not complete, of which there was `before`. A socket alone may keep
    /// a message; all together may not.
    fn update_partial_bytes(&mut self, before: usize) {
        let (node, now) = (&self.node, self.decoder.buffered_bytes());
        if now == before {
            return;
        }
        node.partial_budget.update(before, now);
        if now > before && node.partial_budget.used() > node.config.limits.partial_message_bytes {
            self.session
                .write_queue
                .close(CloseReason::PartialMessageLimit);
            self.read_state = ReadState::Discard;
            node.partial_budget.update(now, 0);
            self.decoder.clear();
        }
    }
}

impl Future for DeviceConnection {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.session.write_queue.register_waker(task.waker());
        loop {
            if this.session.write_queue.is_aborted() || this.write(task).is_err() {
                return Poll::Ready(());
            }
            this.begin_closing();
            if ready!(this.read(task)).is_err() {
                return Poll::Ready(());
            }
        }
    }
}

impl Drop for DeviceConnection {
    /// However the task ends, the node forgets the session.
    fn drop(&mut self) {
        let reason = self
            .session
            .write_queue
            .close_reason()
            .unwrap_or(CloseReason::ConnectionLost);
        self.session.write_queue.abort(reason);
        // First, so that a node that counts no socket owes nobody an answer.
        self.node.remove_session(&self.session, reason);
        self.node
            .partial_budget
            .update(self.decoder.buffered_bytes(), 0);
        self.node.metrics.socket_closed(reason);
        self.node.admission.release();
        self.node.connection_limit.release();
    }
}

fn on_event(
    node: &Arc<Node>,
    session: &Arc<Session>,
    event: WsEvent<'_>,
) -> Result<(), CloseReason> {
    match event {
        WsEvent::Ping(payload) => {
            node.metrics.heartbeats.inc();
            if !node.faults.ignore_pings.is_active() {
                // Full, the outbox closes the socket itself.
                let pong = encode::pong(payload);
                if session.write_queue.push(pong, &node.config.limits).is_ok() {
                    node.metrics.pongs.inc();
                }
            }
            Ok(())
        }
        WsEvent::Pong | WsEvent::Close(_) => Ok(()),
        WsEvent::Binary(_) => Err(CloseReason::Binary),
        WsEvent::Text(text) => match frame::parse(text) {
            Ok(frame) => on_frame(node, session, frame),
            Err(InvalidFrame::Malformed) => Err(CloseReason::BadPayload),
            Err(InvalidFrame::InvalidName) => Err(CloseReason::Policy),
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
            if let Some(reply_to) = session.take_reply_to(id) {
                let owner = node.config.id.clone();
                cluster::send_reply(node, reply_to, CommandReply::Replied { owner, body });
            }
            Ok(())
        }
        FromDevice::Subscribe(_) | FromDevice::Unsubscribe(_)
            if !session.allow_topic_change(node.wheel.now(), limits.topic_changes_per_s) =>
        {
            Err(CloseReason::Policy)
        }
        FromDevice::Subscribe(topic) => {
            match session.may_subscribe(&topic, limits.topics_per_device) {
                Ok(true) => {
                    let slot = node
                        .topics
                        .subscribe(&topic, session, &*node.cluster.backplane);
                    session.add_subscription(TopicSubscription { topic, slot });
                }
                Ok(false) => {}
                Err(()) => return Err(CloseReason::Policy),
            }
            Ok(())
        }
        FromDevice::Unsubscribe(topic) => {
            if let Some(slot) = session.remove_subscription(&topic) {
                node.topics
                    .unsubscribe(&topic, slot, &*node.cluster.backplane);
            }
            Ok(())
        }
        FromDevice::Telemetry { id, body } => {
            node.intake.submit(node, session, id, body);
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
        assert!(
            size_of::<DeviceConnection>() <= 128,
            "{} bytes",
            size_of::<DeviceConnection>()
        );
        assert!(
            size_of::<Session>() <= 224,
            "{} bytes",
            size_of::<Session>()
        );
    }
}
