//! The connection of a socket as tungstenite sees it: reads and writes that never wait.
//!
//! tungstenite reads and writes with the traits of `std::io`. Where the connection has nothing
//! ready, these return `WouldBlock`, and the task of the socket is woken later.

use std::{
    io::{self, Read, Write},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

use super::WRITE_LIMIT;

/// The outgoing side of a socket, for tungstenite. It reads nothing.
pub(super) struct Outgoing<'a>(pub(super) &'a mut Vec<u8>);

impl Read for Outgoing<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Outgoing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() > WRITE_LIMIT {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Both sides of a socket, for tungstenite.
pub(super) struct Connection<'a, 'c, S> {
    pub(super) stream: &'a mut S,
    pub(super) unsent: &'a mut Vec<u8>,
    pub(super) task: &'a mut Context<'c>,
}

impl<S: AsyncRead + Unpin> Read for Connection<'_, '_, S> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(bytes);
        match Pin::new(&mut *self.stream).poll_read(self.task, &mut buffer) {
            Poll::Ready(read) => read.map(|()| buffer.filled().len()),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl<S> Write for Connection<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Outgoing(self.unsent).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
