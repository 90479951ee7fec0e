//! The connection of a socket whose server may compress.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    inflater::{FrameInflater, InvalidDeflate},
    negotiation::DeflateParams,
};

/// Bytes that are read from the connection at once.
const READ_SIZE: usize = 2_048;

/// A connection whose incoming frames are inflated. Outgoing frames pass unchanged.
///
/// An idle socket holds no buffer: what was read and what was inflated is freed as soon as it
/// is taken. A window is held during a message, or for good if the server keeps its own.
#[derive(Debug)]
pub struct InflateStream<S> {
    connection: S,
    /// Bytes of the server that are not inflated yet.
    input: PendingBytes,
    /// Frames that the reader has not taken yet.
    output: PendingBytes,
    inflater: FrameInflater,
}

/// Bytes that are taken from the front. They own no memory once all are taken.
#[derive(Debug, Default)]
struct PendingBytes {
    bytes: Vec<u8>,
    taken: usize,
}

impl<S> InflateStream<S> {
    /// Wraps a connection from which the bytes of `early` have been read already.
    pub(crate) fn new(connection: S, early: Vec<u8>, params: DeflateParams) -> Self {
        Self {
            connection,
            input: PendingBytes {
                bytes: early,
                taken: 0,
            },
            output: PendingBytes::default(),
            inflater: FrameInflater::new(params),
        }
    }

    /// Returns the memory of all buffers, in bytes.
    #[cfg(test)]
    pub(super) fn buffered_bytes(&self) -> usize {
        self.input.bytes.capacity() + self.output.bytes.capacity()
    }

    /// Whether a window is held.
    #[cfg(test)]
    pub(super) fn holds_window(&self) -> bool {
        self.inflater.holds_window()
    }

    /// Inflates until there is output, or until the connection must be read.
    fn inflate_pending(&mut self) -> Result<(), InvalidDeflate> {
        while self.output.is_empty() {
            let input = self.input.remaining();
            if input.is_empty() && self.inflater.needs_input() {
                break;
            }
            let taken = self.inflater.advance(input, &mut self.output.bytes)?;
            self.input.take(taken);
        }
        Ok(())
    }
}

impl PendingBytes {
    fn remaining(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    fn is_empty(&self) -> bool {
        self.remaining().is_empty()
    }

    fn take(&mut self, count: usize) {
        self.taken += count;
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for InflateStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let inflated = this.inflate_pending();
            inflated.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if !this.output.is_empty() {
                let count = this.output.remaining().len().min(buffer.remaining());
                buffer.put_slice(&this.output.remaining()[..count]);
                this.output.take(count);
                return Poll::Ready(Ok(()));
            }
            // On the stack, and copied only if something has come.
            let mut bytes = [0; READ_SIZE];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.connection).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.input.bytes.extend_from_slice(read.filled());
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for InflateStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().connection).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_shutdown(context)
    }
}
