//! The bytes of a connection: plain TCP, or TLS over it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    net::TcpStream,
};
use tokio_util::either::Either;

use super::tls::TlsStream;

/// A client's connection. The TLS state is boxed: a plain connection must not pay
/// for its size.
pub(crate) type MaybeTlsStream = Either<TcpStream, Box<TlsStream>>;

/// Reads the available bytes into `buffer`; 0 bytes is the end.
pub(crate) fn poll_read(
    stream: &mut (impl AsyncRead + Unpin),
    task: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(buffer);
    ready!(Pin::new(stream).poll_read(task, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}
