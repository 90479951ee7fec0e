//! The bytes of a connection: plain TCP, or TLS over it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_util::either::Either;

use crate::net::tls::TlsStream;

/// A client's connection. The TLS state is boxed: a plain connection must not pay
/// for its size.
pub(crate) type MaybeTlsStream = Either<TcpStream, Box<TlsStream>>;

/// Reads what is there into `buffer`; 0 bytes is the end.
pub(crate) fn poll_read(
    stream: &mut MaybeTlsStream,
    task: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(buffer);
    ready!(Pin::new(stream).poll_read(task, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}

/// Writes some of `bytes`.
pub(crate) fn poll_write(
    stream: &mut MaybeTlsStream,
    task: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    Pin::new(stream).poll_write(task, bytes)
}

/// Waits until everything given is handed to the kernel.
pub(crate) fn poll_flush(
    stream: &mut MaybeTlsStream,
    task: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    Pin::new(stream).poll_flush(task)
}
