//! A WebSocket client that holds no buffer while it is idle.
//!
//! ```text
//!            whole messages                a fragment, a close frame, an invalid frame
//! (lean) ───────────────────► (lean)     (lean) ──────────────────────────────► (tungstenite)
//!   no buffer: bytes are read onto the stack                     its state until the socket ends
//! ```
//!
//! The module is written by hand, because tungstenite's socket with tokio's adapter holds
//! 1,000 bytes for each idle socket: a read buffer, a write buffer, the state of a fragmented
//! message and four wakers. A worker holds a million sockets that send a ping now and then.
//! The protocol stays tungstenite's: it masks and writes every frame, and it reads all frames
//! that are not whole messages.

mod nonblocking_io;

use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext},
};

use self::nonblocking_io::{Connection, Outgoing};
use super::whole_frame::{NextFrame, next_frame};

/// Bytes that are read from the connection at once.
const READ_SIZE: usize = 4_096;
/// tungstenite's read buffer in bytes, where a socket needs one.
const FRAGMENT_READ_SIZE: usize = 512;
/// Most bytes of frames that a device may have unsent. A socket above it reads no more.
const WRITE_LIMIT: usize = 1 << 20;

/// A WebSocket client over an open connection.
#[derive(Debug)]
pub struct MessageSocket<S> {
    stream: S,
    /// Received bytes that are not decoded yet. Without any, they own no memory.
    received: BytesMut,
    /// Frames that the connection has not taken yet. Without any, they own no memory.
    unsent: Vec<u8>,
    /// tungstenite's state, from the first frame on that needs it.
    protocol: Option<Box<WebSocketContext>>,
    /// Longest message that the device accepts, in bytes.
    max_message: u32,
    /// Whether the connection holds no written bytes back, as TLS does.
    is_flushed: bool,
    /// Whether the socket has ended, in order or with an error.
    has_ended: bool,
}

impl<S> MessageSocket<S> {
    /// Wraps a connection whose handshake is done, and from which the bytes of `early` have been
    /// read already.
    pub fn new(stream: S, early: &[u8], max_message_bytes: usize) -> Self {
        Self {
            stream,
            received: BytesMut::from(early),
            unsent: Vec::new(),
            protocol: None,
            max_message: u32::try_from(max_message_bytes).unwrap_or(u32::MAX),
            is_flushed: true,
            has_ended: false,
        }
    }

    /// Returns the connection.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Returns the memory of all buffers, in bytes.
    pub fn buffered_bytes(&self) -> usize {
        let protocol = self
            .protocol
            .as_ref()
            .map_or(0, |_| size_of::<WebSocketContext>() + FRAGMENT_READ_SIZE);
        self.received.capacity() + self.unsent.capacity() + protocol
    }

    /// Writes a frame into `unsent`.
    fn queue(&mut self, message: Message) -> Result<(), Error> {
        if matches!(message, Message::Close(_)) {
            self.use_protocol();
        }
        self.is_flushed = false;
        let written = match &mut self.protocol {
            Some(protocol) => protocol.write(&mut Outgoing(&mut self.unsent), message),
            // On the stack, and without a buffer: the frame goes straight to `unsent`.
            None => WebSocketContext::new(Role::Client, Some(config(self.max_message, 0)))
                .write(&mut Outgoing(&mut self.unsent), message),
        };
        match written {
            // The state keeps the frame.
            Err(error) if is_would_block(&error) => Ok(()),
            written => written,
        }
    }

    /// Hands the socket over to tungstenite, with the bytes that it has not decoded.
    fn use_protocol(&mut self) {
        let (received, max_message) = (&mut self.received, self.max_message);
        self.protocol.get_or_insert_with(|| {
            let early = std::mem::take(received).to_vec();
            let config = config(max_message, FRAGMENT_READ_SIZE);
            let protocol = WebSocketContext::from_partially_read(early, Role::Client, Some(config));
            Box::new(protocol)
        });
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> MessageSocket<S> {
    /// Sends a message, and waits until the connection has taken it.
    ///
    /// # Errors
    /// If the connection is broken, or the socket is closing.
    pub async fn send(&mut self, message: Message) -> Result<(), Error> {
        self.queue(message)?;
        self.flush().await
    }

    /// Sends a close frame.
    ///
    /// # Errors
    /// If the connection is broken, or the socket is closing already.
    pub async fn close(&mut self, frame: Option<CloseFrame>) -> Result<(), Error> {
        self.send(Message::Close(frame)).await
    }

    /// Waits until the connection has taken all frames, with the answers to pings and to a close
    /// frame.
    ///
    /// # Errors
    /// If the connection is broken.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|task| self.poll_flush(task)).await
    }

    fn poll_flush(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Some(protocol) = &mut self.protocol {
            match protocol.flush(&mut Outgoing(&mut self.unsent)) {
                Ok(()) | Err(Error::ConnectionClosed) => self.is_flushed = false,
                Err(error) if is_would_block(&error) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.poll_write_unsent(task)
    }

    fn poll_write_unsent(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.is_flushed {
            return Poll::Ready(Ok(()));
        }
        while !self.unsent.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(task, &self.unsent))?;
            if written == 0 {
                return Poll::Ready(Err(Error::Io(io::ErrorKind::WriteZero.into())));
            }
            self.unsent.drain(..written);
        }
        self.unsent = Vec::new();
        ready!(Pin::new(&mut self.stream).poll_flush(task))?;
        self.is_flushed = true;
        Poll::Ready(Ok(()))
    }

    /// Returns the next message; `WouldBlock` where none has come.
    fn read(&mut self, task: &mut Context<'_>) -> Result<Message, Error> {
        loop {
            // The answers to pings that came before.
            if let Poll::Ready(Err(error)) = self.poll_write_unsent(task) {
                return Err(error);
            }
            if self.unsent.len() > WRITE_LIMIT {
                return Err(Error::Io(io::ErrorKind::WouldBlock.into()));
            }
            if let Some(protocol) = &mut self.protocol {
                let message = protocol.read(&mut Connection {
                    stream: &mut self.stream,
                    unsent: &mut self.unsent,
                    task,
                });
                self.is_flushed &= self.unsent.is_empty();
                return message;
            }
            if let Some(message) = self.decode_received()? {
                return Ok(message);
            }
            if self.protocol.is_none() {
                self.read_bytes(task)?;
            }
        }
    }

    /// Decodes the first of the received frames; `None` where more bytes or tungstenite's state
    /// are needed.
    fn decode_received(&mut self) -> Result<Option<Message>, Error> {
        match next_frame(&self.received, self.max_message as usize)? {
            NextFrame::Whole { message, frame_len } => {
                bytes::Buf::advance(&mut self.received, frame_len);
                if self.received.is_empty() {
                    self.received = BytesMut::new();
                }
                self.answer(&message)?;
                Ok(Some(message))
            }
            NextFrame::Incomplete => Ok(None),
            NextFrame::Other => {
                self.use_protocol();
                Ok(None)
            }
        }
    }

    /// Queues the answer to a ping (RFC 6455, section 5.5.3).
    fn answer(&mut self, message: &Message) -> Result<(), Error> {
        match message {
            Message::Ping(payload) => self.queue(Message::Pong(payload.clone())),
            _ => Ok(()),
        }
    }

    /// Reads from the connection, once.
    fn read_bytes(&mut self, task: &mut Context<'_>) -> Result<(), Error> {
        // On the stack, so that an idle socket holds no buffer.
        let mut bytes = [MaybeUninit::uninit(); READ_SIZE];
        let mut buffer = ReadBuf::uninit(&mut bytes);
        match Pin::new(&mut self.stream).poll_read(task, &mut buffer) {
            Poll::Pending => return Err(Error::Io(io::ErrorKind::WouldBlock.into())),
            Poll::Ready(read) => read?,
        }
        if buffer.filled().is_empty() {
            // tungstenite reads the end again, and knows what it means.
            self.use_protocol();
        }
        self.received.extend_from_slice(buffer.filled());
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for MessageSocket<S> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.has_ended {
            return Poll::Ready(None);
        }
        let read = this.read(task);
        // Answers to pings go out at once, because the device may not read again for a while.
        let written = this.poll_write_unsent(task);
        match (read, written) {
            (Ok(message), _) => Poll::Ready(Some(Ok(message))),
            (Err(error), Poll::Pending | Poll::Ready(Ok(()))) if is_would_block(&error) => {
                Poll::Pending
            }
            (Err(error), Poll::Ready(Err(broken))) if is_would_block(&error) => {
                this.has_ended = true;
                Poll::Ready(Some(Err(broken)))
            }
            (Err(error), _) => {
                this.has_ended = true;
                let in_order = matches!(error, Error::AlreadyClosed | Error::ConnectionClosed);
                Poll::Ready((!in_order).then_some(Err(error)))
            }
        }
    }
}

fn is_would_block(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock)
}

fn config(max_message: u32, read_buffer: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(read_buffer)
        // Every frame goes to `unsent` at once, so that tungstenite's own buffer never grows.
        .write_buffer_size(0)
        // The default, no limit, would let a peer that reads nothing fill the worker.
        .max_write_buffer_size(WRITE_LIMIT)
        .max_message_size(Some(max_message as usize))
        .max_frame_size(Some(max_message as usize))
}

#[cfg(test)]
mod tests;
