//! A tunnel: copies the bytes of a forwarded socket between its client and its node.
//!
//! Each of the two directions goes through three states:
//!
//! | state         | action                                          | next state            |
//! |---------------|-------------------------------------------------|-----------------------|
//! | open          | copies bytes, and keeps those that the other    | shutting down, at the |
//! |               | side does not accept yet                        | end of its source     |
//! | shutting down | writes the kept bytes, then shuts down the      | closed                |
//! |               | other side                                      |                       |
//! | closed        | none                                            | –                     |
//!
//! The tunnel ends when both directions are closed or one direction fails. It also ends a
//! bounded time after the end of its first source.

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
use crate::net::{
    admission::Permit,
    stream::{MaybeTlsStream, poll_read},
};

/// The largest number of bytes of one read. All sockets of a runtime thread share one buffer,
/// so that an idle socket holds none.
const SCRATCH_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// The steady state of a forwarded socket.
// Every idle socket costs this size, so bytes are kept only while one side does not read.
pub(super) struct Tunnel {
    client: MaybeTlsStream,
    node: TcpStream,
    to_node: TunnelDirection,
    to_client: TunnelDirection,
    /// The timer that bounds the rest of the tunnel once one side has ended.
    half_close_timer: Option<Pin<Box<Sleep>>>,
    /// The guard that counts the socket for its node. It is `None` once the node has ended
    /// the socket, because the node no longer counts it.
    guard: Option<ConnectionGuard>,
    registration: TunnelRegistration,
}

/// The two sides of a socket, each with the bytes that were read after its handshake.
pub(super) struct TunnelStreams {
    pub(super) client: MaybeTlsStream,
    pub(super) client_buffered: Bytes,
    pub(super) node: TcpStream,
    pub(super) node_buffered: Bytes,
}

/// One direction of a tunnel: from its source to the other side.
struct TunnelDirection {
    /// Kept bytes, which were read and which the other side has not accepted.
    pending: Bytes,
    state: CopyState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CopyState {
    Open,
    ShuttingDown,
    Closed,
}

/// Starts the tunnel of a socket as a task, which a drain can abort.
pub(super) fn spawn_tunnel(
    tunnels: &Arc<Tunnels>,
    streams: TunnelStreams,
    guard: ConnectionGuard,
    permit: Permit,
) {
    let registration = tunnels.register(permit);
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

    /// Polls the half-close timer, which the first call starts. Returns whether it has expired.
    fn half_close_expired(&mut self, task: &mut Context<'_>) -> bool {
        let limit = self.registration.tunnels.half_close_timeout;
        let timer = &mut self.half_close_timer;
        let timer = timer.get_or_insert_with(|| Box::pin(sleep(limit)));
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
        // The end of the client alone drops no guard: the node counts the socket until it has
        // closed its own side.
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
            // Nothing is read while bytes are kept, so a slow reader also slows the sender.
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
                length => {
                    let mut unwritten = &scratch[..length];
                    write_available(&mut unwritten, to, task)?;
                    self.pending = Bytes::copy_from_slice(unwritten);
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
        // A new value, because an empty slice would keep the allocation alive.
        self.pending = Bytes::new();
        // A TLS stream may still hold records that the kernel did not accept.
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

    /// The size of an idle tunnel, before the allocator rounds it up. A new field costs its
    /// size for every forwarded socket.
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
            buffered in prop::collection::vec(any::<u8>(), 0..50),
            writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..400), 0..10),
            pipe_bytes in 1usize..64,
            read_bytes in 1usize..100,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (mut client, mut from) = duplex(10_000);
                let (mut to, mut node) = duplex(pipe_bytes);
                let mut direction = TunnelDirection::new(Bytes::from(buffered.clone()));
                let mut scratch = [0; 37];
                let mut expected = buffered;
                for part in &writes {
                    client.write_all(part).await.unwrap();
                    expected.extend_from_slice(part);
                }
                client.shutdown().await.unwrap();
                let mut arrived = Vec::new();
                let mut buffer = vec![0; read_bytes];
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
