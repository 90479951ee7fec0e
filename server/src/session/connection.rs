//! The one task of a device socket: it reads into shared scratch and writes the queue.

use std::{
    cell::RefCell,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::AsyncWrite;

use super::{
    Session,
    context::SessionContext,
    frame::{self, InvalidFrame},
    handler::SessionHandler,
    session::{Timer, whole_seconds},
};
use crate::net::{
    stream::{MaybeTlsStream, poll_read},
    ws::{
        close::CloseReason,
        decode::{AllowedMessages, DecodeControl, WsDecoder, WsEvent},
        encode,
    },
};

/// Bytes of one read. The buffer belongs to a worker of the runtime, not to a socket.
const SCRATCH_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// The steady state of a device socket. Its size is paid once per idle socket, so it is
/// a hand-written future over the smallest state there is: an async block would keep a
/// buffer and each intermediate state alive.
///
/// The steady loop holds no channel and no timer: the write queue wakes it, and the wheel
/// closes it.
pub(crate) struct DeviceConnection<H: SessionHandler> {
    handler: Arc<H>,
    session: Arc<Session>,
    stream: MaybeTlsStream,
    decoder: WsDecoder,
    read_state: ReadState,
}

/// The treatment of bytes that arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadState {
    /// The bytes are decoded as frames.
    Frames,
    /// The peer broke the protocol and cannot be decoded any more. Its bytes are read
    /// and dropped: a close over unread bytes would reset the connection, and the reset
    /// could discard our close frame.
    Discard,
    /// The peer has closed. The connection ends once the queue is written.
    Closed,
}

impl<H: SessionHandler> DeviceConnection<H> {
    pub(crate) fn new(handler: Arc<H>, session: Arc<Session>, stream: MaybeTlsStream) -> Self {
        let max_message = handler.sessions().limits.device_message_bytes;
        Self {
            handler,
            session,
            stream,
            decoder: WsDecoder::new(max_message, AllowedMessages::Text),
            read_state: ReadState::Frames,
        }
    }

    /// Processes the bytes that the HTTP connection had read past the upgrade request.
    pub(crate) fn feed(&mut self, early: &[u8]) {
        if !early.is_empty() {
            // A copy, because the decoder unmasks in place.
            self.process_input(&mut early.to_vec());
        }
    }

    /// Writes the queue until it is empty or the socket accepts no more.
    fn write(&mut self, task: &mut Context<'_>) -> io::Result<()> {
        let (session, stream) = (&self.session, &mut self.stream);
        let mut has_read = false;
        let written = session.write_queue.poll_write(|bytes| {
            let progress = Pin::new(&mut *stream).poll_write(task, bytes);
            has_read |= matches!(progress, Poll::Ready(Ok(1..)));
            progress
        });
        // TLS may hold back what the kernel did not accept.
        let written = match written {
            Poll::Ready(Ok(())) => Pin::new(stream).poll_flush(task),
            other => other,
        };
        match written {
            Poll::Pending => self.arm_write_timeout(has_read),
            Poll::Ready(written) => {
                written?;
                self.session.clear_write_blocked();
                // Both close frames are sent, so the server closes first (RFC 6455, 7.1.1).
                if self.read_state == ReadState::Closed {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
            }
        }
        Ok(())
    }

    /// Starts the write timeout: the device must read before more can be written. A
    /// device that `has_read` some bytes just now gets the whole timeout again.
    fn arm_write_timeout(&self, has_read: bool) {
        let SessionContext { wheel, limits, .. } = self.handler.sessions();
        let now = wheel.now();
        if self.session.record_write_blocked(now, has_read) {
            let at = now + whole_seconds(limits.write_timeout);
            wheel.arm(&self.session, Timer::Write, at);
        }
    }

    /// Fails the commands that wait and starts the close timeout, when the session has
    /// begun to close.
    fn begin_closing(&self) {
        let Some(reason) = self.session.write_queue.close_reason() else {
            return;
        };
        let SessionContext { wheel, limits, .. } = self.handler.sessions();
        let now = wheel.now();
        if self.session.begin_close(now) {
            let at = now + whole_seconds(limits.close_timeout);
            wheel.arm(&self.session, Timer::Close, at);
            self.handler.handle_closing(&self.session, reason);
        }
    }

    /// Reads once. The end of the stream is an error like any other.
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
        let (handler, session) = (&*self.handler, &self.session);
        // Any bytes count as activity, a pong or half a frame too.
        session.record_activity(handler.sessions().wheel.now());
        let buffered_before = self.decoder.buffered_bytes();
        let read_state = &mut self.read_state;
        let decoded = self.decoder.feed(bytes, |event| {
            if let WsEvent::Close(code) = event {
                session.write_queue.echo_close(code);
                *read_state = ReadState::Closed;
                return DecodeControl::Stop;
            }
            match handle_event(handler, session, event) {
                Ok(()) => DecodeControl::Continue,
                Err(reason) => {
                    session.write_queue.close(reason);
                    *read_state = ReadState::Discard;
                    DecodeControl::Stop
                }
            }
        });
        if let Err(reason) = decoded {
            self.session.write_queue.close(reason);
            self.read_state = ReadState::Discard;
        }
        if self.read_state != ReadState::Frames {
            self.decoder.clear();
        }
        self.update_partial_bytes(buffered_before);
    }

    /// Counts the bytes of an incomplete message, of which there were `before`, in the
    /// budget of all sessions. The decoder bounds one socket; this bounds their sum.
    fn update_partial_bytes(&mut self, before: usize) {
        let after = self.decoder.buffered_bytes();
        if after == before {
            return;
        }
        let sessions = self.handler.sessions();
        let budget = &sessions.partial_budget;
        budget.update(before, after);
        // Only a message that grows is cut off: one that shrinks is on its way to its end.
        if after > before && budget.used() > sessions.limits.partial_message_bytes {
            let write_queue = &self.session.write_queue;
            write_queue.close(CloseReason::PartialMessageLimit);
            self.read_state = ReadState::Discard;
            budget.update(after, 0);
            self.decoder.clear();
        }
    }
}

impl<H: SessionHandler> Future for DeviceConnection<H> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        // Before the first look at the queue: a push between the look and a later
        // registration would not wake this task.
        this.session.write_queue.register_waker(task.waker());
        // Each read is followed by its answers: a device that sends without reading fills its
        // queue, and closes as a slow consumer.
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

impl<H: SessionHandler> Drop for DeviceConnection<H> {
    /// Removes the session from the node, however the task ends.
    fn drop(&mut self) {
        let write_queue = &self.session.write_queue;
        let reason = write_queue.close_reason();
        let reason = reason.unwrap_or(CloseReason::ConnectionLost);
        write_queue.abort(reason);
        let budget = &self.handler.sessions().partial_budget;
        budget.update(self.decoder.buffered_bytes(), 0);
        self.handler.handle_closed(&self.session, reason);
    }
}

fn handle_event<H: SessionHandler>(
    handler: &H,
    session: &Arc<Session>,
    event: WsEvent<'_>,
) -> Result<(), CloseReason> {
    match event {
        WsEvent::Ping(payload) => {
            handle_ping(handler.sessions(), session, payload);
            Ok(())
        }
        WsEvent::Pong | WsEvent::Close(_) => Ok(()),
        WsEvent::Binary(_) => Err(CloseReason::Binary),
        WsEvent::Text(text) => match frame::parse(text) {
            Ok(frame) => handler.handle_frame(session, frame),
            Err(InvalidFrame::Malformed) => Err(CloseReason::BadPayload),
            Err(InvalidFrame::InvalidName) => Err(CloseReason::Policy),
        },
    }
}

fn handle_ping(sessions: &SessionContext, session: &Session, payload: &[u8]) {
    sessions.metrics.heartbeats.inc();
    if sessions.faults.ignore_pings.is_active() {
        return;
    }
    let pong = encode::pong(payload);
    // A full queue closes the socket by itself.
    if session.write_queue.push(pong, &sessions.limits).is_ok() {
        sessions.metrics.pongs.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Node;

    /// Bounds the bytes of an idle socket in its task and its session, before the
    /// allocator rounds up. A field added here is paid a million times.
    #[test]
    fn idle_socket_stays_within_its_bytes() {
        let connection = size_of::<DeviceConnection<Node>>();
        assert!(connection <= 128, "{connection} bytes");
        let session = size_of::<Session>();
        assert!(session <= 224, "{session} bytes");
    }
}
