//! An open socket: bytes of each side are copied unchanged to the other.
//!
//! | direction     | on bytes           | on the end of its source                   |
//! |---------------|--------------------|--------------------------------------------|
//! | open          | written, or kept   | → shutting down                            |
//! | shutting down | –                  | kept bytes are written; then the other     |
//! |               |                    | side is shut down, → closed                |
//! | closed        | –                  | –                                          |
//!
//! The tunnel ends when both directions are closed, when one fails, or a bounded time after the
//! first end.

use std::{
    cell::RefCell,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Sleep, sleep},
};

use super::{
    backend_load::ConnectionGuard,
    tunnels::{TunnelRegistration, Tunnels},
};
use crate::net::stream::{MaybeTlsStream, poll_read};

/// Bytes of one read. The buffer belongs to a worker of the runtime, not to a socket.
const SCRATCH_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// The steady state of a proxied socket.
// Its size is paid once per idle socket, so it keeps bytes only while one side does not read.
pub(super) struct Tunnel {
    client: MaybeTlsStream,
    node: TcpStream,
    to_node: TunnelDirection,
    to_client: TunnelDirection,
    /// Runs once one side has ended.
    half_close_timer: Option<Pin<Box<Sleep>>>,
    /// `None` once the node has ended the socket, which no longer counts it.
    guard: Option<ConnectionGuard>,
    registration: TunnelRegistration,
}

/// The two sides of a socket, each with the bytes that were read past its handshake.
pub(super) struct TunnelStreams {
    pub(super) client: MaybeTlsStream,
    pub(super) client_buffered: Bytes,
    pub(super) node: TcpStream,
    pub(super) node_buffered: Bytes,
}

/// One direction of a tunnel.
struct TunnelDirection {
    /// Bytes that were read and that the other side has not accepted.
    pending: Bytes,
    state: CopyState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CopyState {
    Open,
    ShuttingDown,
    Closed,
}

/// Joins the two sides of a socket in a task.
pub(super) fn spawn_tunnel(tunnels: &Arc<Tunnels>, streams: TunnelStreams, guard: ConnectionGuard) {
    let registration = tunnels.register();
    let number = registration.number;
    let tunnel = Tunnel {
        client: streams.client,
        node: streams.node,
        to_node: TunnelDirection::new(streams.client_buffered),
        to_client: TunnelDirection::new(streams.node_buffered),
        half_close_timer: None,
        guard: Some(guard),
        registration,
    };
    let task = tokio::spawn(tunnel).abort_handle();
    tunnels.set_task(number, task);
}

impl Tunnel {
    /// Copies the available bytes of both directions.
    fn copy(&mut self, task: &mut Context<'_>) -> io::Result<()> {
        let (client, node) = (&mut self.client, &mut self.node);
        SCRATCH.with_borrow_mut(|scratch| {
            self.to_node.copy(client, node, task, scratch)?;
            self.to_client.copy(node, client, task, scratch)
        })
    }

    /// Waits for the side that has not ended. Returns whether its time has passed.
    fn half_close_expired(&mut self, task: &mut Context<'_>) -> bool {
        let length = self.registration.tunnels.half_close_timeout;
        let timer = &mut self.half_close_timer;
        let timer = timer.get_or_insert_with(|| Box::pin(sleep(length)));
        timer.as_mut().poll(task).is_ready()
    }
}

impl Future for Tunnel {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.copy(task).is_err() {
            return Poll::Ready(());
        }
        // Not when the client ends: the node counts the socket until it has closed its side.
        if this.to_client.state != CopyState::Open {
            this.guard = None;
        }
        match (this.to_node.state, this.to_client.state) {
            (CopyState::Closed, CopyState::Closed) => Poll::Ready(()),
            (CopyState::Open, CopyState::Open) => Poll::Pending,
            _ if this.half_close_expired(task) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

impl TunnelDirection {
    fn new(pending: Bytes) -> Self {
        Self {
            pending,
            state: CopyState::Open,
        }
    }

    /// Copies until there is nothing to read, or the other side accepts no more.
    fn copy<R, W>(
        &mut self,
        from: &mut R,
        to: &mut W,
        task: &mut Context<'_>,
        scratch: &mut [u8],
    ) -> io::Result<()>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        while self.state != CopyState::Closed {
            // Nothing is read while bytes are kept, so a side that does not read slows the
            // other.
            if self.write_pending(to, task)?.is_pending() {
                return Ok(());
            }
            if self.state == CopyState::ShuttingDown {
                if let Poll::Ready(done) = Pin::new(&mut *to).poll_shutdown(task) {
                    done?;
                    self.state = CopyState::Closed;
                }
                return Ok(());
            }
            let Poll::Ready(read) = poll_read(from, task, scratch) else {
                return Ok(());
            };
            match read? {
                0 => self.state = CopyState::ShuttingDown,
                read => {
                    let mut read = &scratch[..read];
                    write_available(&mut read, to, task)?;
                    self.pending = Bytes::copy_from_slice(read);
                }
            }
        }
        Ok(())
    }

    /// Writes the kept bytes. Ready when the other side has accepted all.
    fn write_pending<W: AsyncWrite + Unpin>(
        &mut self,
        to: &mut W,
        task: &mut Context<'_>,
    ) -> io::Result<Poll<()>> {
        write_available(&mut self.pending, to, task)?;
        if self.pending.has_remaining() {
            return Ok(Poll::Pending);
        }
        // Frees the allocation, which an empty slice of it would keep.
        self.pending = Bytes::new();
        // TLS may hold back what the kernel did not accept.
        match Pin::new(to).poll_flush(task) {
            Poll::Ready(flushed) => flushed.map(Poll::Ready),
            Poll::Pending => Ok(Poll::Pending),
        }
    }
}

/// Writes the bytes that the other side accepts now.
fn write_available<W: AsyncWrite + Unpin>(
    bytes: &mut impl Buf,
    to: &mut W,
    task: &mut Context<'_>,
) -> io::Result<()> {
    while bytes.has_remaining()
        && let Poll::Ready(written) = Pin::new(&mut *to).poll_write(task, bytes.chunk())
    {
        match written? {
            // Otherwise a writer that accepts nothing would be polled in a tight loop.
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => bytes.advance(written),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// The size of an idle tunnel, before the allocator rounds it up. Every proxied socket
    /// pays for a field added here.
    #[test]
    fn steady_state_is_small() {
        assert!(size_of::<Tunnel>() <= 224, "{} bytes", size_of::<Tunnel>());
    }

    async fn copy_once(
        direction: &mut TunnelDirection,
        from: &mut DuplexStream,
        to: &mut DuplexStream,
        scratch: &mut [u8],
    ) {
        let copy = poll_fn(|task| Poll::Ready(direction.copy(from, to, task, scratch)));
        // The runtime's cooperative budget would stop the copy at any byte, and not resume it.
        tokio::task::coop::unconstrained(copy).await.unwrap();
    }

    proptest! {
        /// All bytes arrive in order and then the end, at any sizes of writes, buffers and
        /// reads. No bytes are kept afterwards.
        #[test]
        fn every_byte_arrives(
            early in prop::collection::vec(any::<u8>(), 0..50),
            writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..400), 0..10),
            pipe in 1usize..64,
            take in 1usize..100,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (mut client, mut from) = duplex(10_000);
                let (mut to, mut node) = duplex(pipe);
                let mut direction = TunnelDirection::new(Bytes::from(early.clone()));
                let mut scratch = [0; 37];
                let mut expected = early;
                for part in &writes {
                    client.write_all(part).await.unwrap();
                    expected.extend_from_slice(part);
                }
                client.shutdown().await.unwrap();
                let mut arrived = Vec::new();
                let mut buffer = vec![0; take];
                loop {
                    copy_once(&mut direction, &mut from, &mut to, &mut scratch).await;
                    prop_assert!(direction.pending.len() <= scratch.len().max(50));
                    if arrived.len() == expected.len() {
                        break;
                    }
                    let read = node.read(&mut buffer).await.unwrap();
                    prop_assert!(read > 0);
                    arrived.extend_from_slice(&buffer[..read]);
                }
                prop_assert_eq!(&arrived, &expected);
                prop_assert_eq!(direction.state, CopyState::Closed);
                prop_assert!(direction.pending.is_empty());
                prop_assert_eq!(node.read(&mut buffer).await.unwrap(), 0);
                Ok(())
            })?;
        }
    }

    #[tokio::test]
    async fn unread_bytes_are_kept_and_no_more_are_read() {
        let (mut client, mut from) = duplex(1000);
        let (mut to, mut node) = duplex(4);
        let mut direction = TunnelDirection::new(Bytes::new());
        let mut scratch = [0; 16];
        client.write_all(&[7; 100]).await.unwrap();
        // The second copy reads nothing, because the node has read nothing.
        for _ in 0..2 {
            copy_once(&mut direction, &mut from, &mut to, &mut scratch).await;
            assert_eq!(direction.pending.len(), 12);
        }
        node.read_exact(&mut [0; 4]).await.unwrap();
        copy_once(&mut direction, &mut from, &mut to, &mut scratch).await;
        assert_eq!(direction.pending.len(), 8);
    }
}
