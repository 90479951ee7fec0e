//! The one task of a device socket: it reads into shared scratch and writes the queue.

use std::{
    cell::RefCell,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;

use super::{
    Session,
    context::SessionContext,
    frame_rate::FrameRate,
    handler::SessionHandler,
    session::{Timer, whole_seconds},
};
use crate::net::{
    stream::{MaybeTlsStream, poll_read},
    ws::{
        close::CloseReason,
        decode::{DecodeControl, WsDecoder, WsEvent},
        encode,
    },
};

/// Bytes of one read. The buffer belongs to a worker of the runtime, not to a socket.
const SCRATCH_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// The steady state of a socket. Its size is paid once per idle socket, so it is
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
    frame_rate: FrameRate,
}

/// The treatment of bytes that arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadState {
    /// The bytes are decoded as frames.
    Frames,
    /// The socket closes because of the peer's frames. Further frames are decoded only to find
    /// the peer's close.
    Closing,
    /// The peer broke the protocol and cannot be decoded any more. Its bytes are read
    /// and dropped: a close over unread bytes would reset the connection, and the reset
    /// could discard our close frame.
    Discard,
    /// The peer has closed. The connection ends once the queue is written.
    Closed,
}

impl<H: SessionHandler> DeviceConnection<H> {
    pub(crate) fn new(handler: Arc<H>, session: Arc<Session>, stream: MaybeTlsStream) -> Self {
        let max_message = handler.max_message_bytes();
        Self {
            handler,
            session,
            stream,
            decoder: WsDecoder::new(max_message, H::MESSAGES),
            read_state: ReadState::Frames,
            frame_rate: FrameRate::default(),
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

    /// Reads once and returns the bytes read. The end of the stream is an error like any other.
    fn read(&mut self, task: &mut Context<'_>) -> Poll<io::Result<usize>> {
        SCRATCH.with_borrow_mut(|scratch| {
            match ready!(poll_read(&mut self.stream, task, scratch))? {
                0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                read => {
                    self.process_input(&mut scratch[..read]);
                    Poll::Ready(Ok(read))
                }
            }
        })
    }

    fn process_input(&mut self, bytes: &mut [u8]) {
        if !matches!(self.read_state, ReadState::Frames | ReadState::Closing) {
            return;
        }
        let (handler, session) = (&*self.handler, &self.session);
        let now = handler.sessions().wheel.now();
        // Any bytes count as activity, a pong or half a frame too.
        session.record_activity(now);
        let buffered_before = self.buffered_bytes();
        let read_state = &mut self.read_state;
        let decoded = self.decoder.feed(bytes, |event| {
            if let WsEvent::Close(code) = event {
                session.write_queue.echo_close(code);
                *read_state = ReadState::Closed;
                return DecodeControl::Stop;
            }
            if *read_state == ReadState::Closing {
                return DecodeControl::Continue;
            }
            if let Err(reason) = handle_event(handler, session, event) {
                session.write_queue.close(reason);
                *read_state = ReadState::Closing;
            }
            DecodeControl::Continue
        });
        match decoded {
            Ok(frames) => {
                let limit = handler.sessions().limits.frames_per_s;
                let is_within = self.frame_rate.try_count(frames, now, limit);
                if !is_within && self.read_state != ReadState::Closed {
                    session.write_queue.close(CloseReason::Policy);
                    self.read_state = ReadState::Discard;
                }
            }
            Err(reason) => {
                session.write_queue.close(reason);
                self.read_state = ReadState::Discard;
            }
        }
        if !matches!(self.read_state, ReadState::Frames | ReadState::Closing) {
            self.decoder.clear();
        }
        self.update_partial_bytes(buffered_before);
    }

    /// Counts the bytes of an incomplete message, of which there were `before`, in the
    /// budget of all sessions. The decoder bounds one socket; this bounds their sum.
    fn update_partial_bytes(&mut self, before: usize) {
        let after = self.buffered_bytes();
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
            self.decoder.clear();
            budget.update(after, self.buffered_bytes());
        }
    }

    /// Returns the bytes of messages and frames of this socket that are not complete.
    fn buffered_bytes(&self) -> usize {
        self.decoder.buffered_bytes() + self.handler.partial_bytes()
    }
}

impl<H: SessionHandler> Future for DeviceConnection<H> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        // Before the first look at the queue: a push between the look and a later
        // registration would not wake this task.
        this.session.write_queue.register_waker(task.waker());
        // The bytes that are read before other sockets have their turn. A device that sends
        // without a pause would otherwise keep this thread.
        let mut turn = SCRATCH_BYTES;
        // Each read is followed by its answers: a device that sends without reading fills its
        // queue, and closes as a slow consumer.
        loop {
            if this.session.write_queue.is_aborted() || this.write(task).is_err() {
                return Poll::Ready(());
            }
            this.begin_closing();
            if turn == 0 {
                task.waker().wake_by_ref();
                return Poll::Pending;
            }
            match ready!(this.read(task)) {
                Ok(read) => turn = turn.saturating_sub(read),
                Err(_) => return Poll::Ready(()),
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
        budget.update(self.buffered_bytes(), 0);
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
            answer_heartbeat(handler.sessions(), session, || encode::pong(payload))
        }
        WsEvent::Pong | WsEvent::Close(_) => Ok(()),
        WsEvent::Binary(bytes) => handler.handle_binary(session, bytes),
        WsEvent::Text(text) => handler.handle_text(session, text),
    }
}

/// Counts a heartbeat and answers it.
///
/// # Errors
/// The queue is full, or the socket is closing.
pub(crate) fn answer_heartbeat(
    sessions: &SessionContext,
    session: &Session,
    pong: impl FnOnce() -> Bytes,
) -> Result<(), CloseReason> {
    sessions.metrics.heartbeats.inc();
    if sessions.faults.ignore_pings.is_active() {
        return Ok(());
    }
    // A full queue closes the socket by itself. The reason here is of no effect then.
    session
        .write_queue
        .push(pong(), &sessions.limits)
        .map_err(|_| CloseReason::SlowConsumer)?;
    sessions.metrics.pongs.inc();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use tokio::{
        io::AsyncWriteExt,
        net::{TcpListener, TcpStream},
        task::unconstrained,
    };
    use tokio_util::either::Either;

    use super::*;
    use crate::{limits::NodeLimits, net::ws::decode::AllowedMessages, node::Node};

    /// Bounds the bytes of an idle socket in its task and its session, before the
    /// allocator rounds up. A field added here is paid a million times.
    #[test]
    fn idle_socket_stays_within_its_bytes() {
        let connection = size_of::<DeviceConnection<Node>>();
        assert!(connection <= 128, "{connection} bytes");
        let session = size_of::<Session>();
        assert!(session <= 240, "{session} bytes");
    }

    /// The state of all its sessions, and the frames that they have handled.
    struct FrameCounter {
        sessions: SessionContext,
        frames: AtomicUsize,
    }

    impl SessionHandler for FrameCounter {
        const MESSAGES: AllowedMessages = AllowedMessages::Text;

        fn sessions(&self) -> &SessionContext {
            &self.sessions
        }

        fn max_message_bytes(&self) -> usize {
            self.sessions.limits.device_message_bytes
        }

        fn handle_text(&self, _session: &Arc<Session>, _text: &str) -> Result<(), CloseReason> {
            self.frames.fetch_add(1, Relaxed);
            Ok(())
        }

        fn handle_closing(&self, _session: &Arc<Session>, _reason: CloseReason) {}

        fn handle_closed(&self, _session: &Arc<Session>, _reason: CloseReason) {}
    }

    /// Sends `input` to a connection and polls it once, without a budget of the runtime.
    async fn poll_once(input: &[u8]) -> (Arc<FrameCounter>, Arc<Session>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut device = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        device.write_all(input).await.unwrap();
        stream.readable().await.unwrap();
        let handler = Arc::new(FrameCounter {
            sessions: SessionContext::new(NodeLimits::default()),
            frames: AtomicUsize::new(0),
        });
        let session = Arc::new(Session::new("d".parse().unwrap(), 1));
        let connection = DeviceConnection::new(
            Arc::clone(&handler),
            Arc::clone(&session),
            Either::Left(stream),
        );
        let mut connection = unconstrained(connection);
        assert!(futures_util::poll!(&mut connection).is_pending());
        (handler, session)
    }

    #[tokio::test]
    async fn turn_of_a_device_ends_after_some_reads() {
        // A text frame with an empty mask.
        let frame = [&[0x81, 0x80 | 15, 0, 0, 0, 0][..], br#"{"type":"ping"}"#].concat();
        let input = frame.repeat(4 * SCRATCH_BYTES / frame.len());
        let (handler, session) = poll_once(&input).await;
        let frames = handler.frames.load(Relaxed);
        let most = 2 * SCRATCH_BYTES / frame.len();
        assert!((1..=most).contains(&frames), "{frames} of {most}");
        // Its end here is that of the test.
        let reason = session.write_queue.close_reason();
        assert_eq!(reason, Some(CloseReason::ConnectionLost));
    }

    #[tokio::test]
    async fn frames_after_a_close_are_not_handled() {
        // Many more than the queue holds answers, in one read.
        let pings = [0x89, 0x80, 0, 0, 0, 0].repeat(1_000);
        let (handler, session) = poll_once(&pings).await;
        let answered = handler.sessions.limits.write_queue_frames as u64;
        assert_eq!(handler.sessions.metrics.heartbeats.get(), answered + 1);
        let reason = session.write_queue.close_reason();
        assert_eq!(reason, Some(CloseReason::SlowConsumer));
    }
}
