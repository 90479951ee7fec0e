//! An open socket: what one side says is handed to the other, byte for byte.
//!
//! | side    | on bytes                 | on its end                          |
//! |---------|--------------------------|-------------------------------------|
//! | open    | written on, or held      | → ending                            |
//! | ending  | –                        | what is held is written; then the   |
//! |         |                          | other is told, → ended              |
//! | ended   | –                        | –                                   |
//!
//! Both ended, or one of them broken, the tunnel is over. One that has ended waits
//! for the other a bounded time.

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
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

use super::{
    backend_load::ConnectionGuard,
    tunnels::{TunnelRegistration, Tunnels},
};
use crate::net::stream::MaybeTlsStream;

/// One read's worth, per runtime worker rather than per socket.
const SCRATCH_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// The steady state of a proxied socket. Its size is paid once per idle socket: it
/// holds bytes only while one side has not taken what the other said.
pub(super) struct Tunnel {
    client: MaybeTlsStream,
    node: TcpStream,
    to_node: TunnelDirection,
    to_client: TunnelDirection,
    /// Runs once one side has ended.
    half_close_timer: Option<Pin<Box<Sleep>>>,
    /// `None` once the node has ended it: it counts there no more.
    guard: Option<ConnectionGuard>,
    registration: TunnelRegistration,
}

/// The two ends of a socket, each with what was read past its handshake.
pub(super) struct TunnelStreams {
    pub(super) client: MaybeTlsStream,
    pub(super) client_buffered: Bytes,
    pub(super) node: TcpStream,
    pub(super) node_buffered: Bytes,
}

/// One direction.
struct TunnelDirection {
    /// Read, and not yet taken by the other side.
    pending: Bytes,
    state: CopyState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CopyState {
    Open,
    ShuttingDown,
    Closed,
}

/// Joins the two ends of a socket in a task of their own.
pub(super) fn spawn_tunnel(tunnels: &Arc<Tunnels>, streams: TunnelStreams, guard: ConnectionGuard) {
    let registration = tunnels.register();
    let number = registration.number();
    let tunnel = Tunnel::new(registration, streams, guard);
    let task = tokio::spawn(tunnel).abort_handle();
    tunnels.set_task(number, task);
}

impl Tunnel {
    fn new(
        registration: TunnelRegistration,
        streams: TunnelStreams,
        guard: ConnectionGuard,
    ) -> Self {
        Self {
            client: streams.client,
            node: streams.node,
            to_node: TunnelDirection::new(streams.client_buffered),
            to_client: TunnelDirection::new(streams.node_buffered),
            half_close_timer: None,
            guard: Some(guard),
            registration,
        }
    }

    /// Hands on what there is, both ways.
    fn copy(&mut self, task: &mut Context<'_>) -> io::Result<()> {
        let Self {
            client,
            node,
            to_node,
            to_client,
            ..
        } = self;
        SCRATCH.with_borrow_mut(|scratch| {
            to_node.copy(client, node, task, scratch)?;
            to_client.copy(node, client, task, scratch)
        })
    }

    /// Waits for the side that has not ended; whether it has been long enough.
    fn half_close_expired(&mut self, task: &mut Context<'_>) -> bool {
        let length = self.registration.tunnels.half_close_timeout;
        let linger = self
            .half_close_timer
            .get_or_insert_with(|| Box::pin(sleep(length)));
        linger.as_mut().poll(task).is_ready()
    }
}

impl Future for Tunnel {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.copy(task).is_err() {
            return Poll::Ready(());
        }
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

    /// Hands on until there is nothing to read, or the other side takes no more.
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
            // Nothing is read while something is held: who does not take what is said
            // slows the other down.
            if self.write_pending(to, task)?.is_pending() {
                return Ok(());
            }
            if self.state == CopyState::ShuttingDown {
                match Pin::new(&mut *to).poll_shutdown(task) {
                    Poll::Pending => return Ok(()),
                    Poll::Ready(told) => told?,
                }
                self.state = CopyState::Closed;
                return Ok(());
            }
            let mut read = ReadBuf::new(scratch);
            match Pin::new(&mut *from).poll_read(task, &mut read) {
                Poll::Pending => return Ok(()),
                Poll::Ready(done) => done?,
            }
            match read.filled() {
                [] => self.state = CopyState::ShuttingDown,
                said => self.pending = write_available(said, to, task)?,
            }
        }
        Ok(())
    }

    /// Ready when the other side has taken all.
    fn write_pending<W: AsyncWrite + Unpin>(
        &mut self,
        to: &mut W,
        task: &mut Context<'_>,
    ) -> io::Result<Poll<()>> {
        while !self.pending.is_empty() {
            match Pin::new(&mut *to).poll_write(task, &self.pending) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(written) => match written? {
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    written => self.pending.advance(written),
                },
            }
        }
        // Lets go of the allocation.
        self.pending = Bytes::new();
        // TLS may hold back what the kernel did not take.
        match Pin::new(&mut *to).poll_flush(task) {
            Poll::Pending => Ok(Poll::Pending),
            Poll::Ready(flushed) => flushed.map(Poll::Ready),
        }
    }
}

/// Writes what the other side takes at once; answers the rest.
fn write_available<W: AsyncWrite + Unpin>(
    mut said: &[u8],
    to: &mut W,
    task: &mut Context<'_>,
) -> io::Result<Bytes> {
    while !said.is_empty() {
        match Pin::new(&mut *to).poll_write(task, said) {
            Poll::Pending => break,
            Poll::Ready(written) => match written? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => said = &said[written..],
            },
        }
    }
    Ok(Bytes::copy_from_slice(said))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// The size of an idle tunnel, before the allocator rounds it up. Every proxied socket
    /// pays for a
    /// field added here.
    #[test]
    fn the_steady_state_is_small() {
        assert!(size_of::<Tunnel>() <= 224, "{} bytes", size_of::<Tunnel>());
    }

    /// Runs without the runtime's cooperative budget, which would stop the copy at any byte
    /// and not
    /// resume it in this test.
    async fn copy_once(
        flow: &mut TunnelDirection,
        from: &mut DuplexStream,
        to: &mut DuplexStream,
        scratch: &mut [u8],
    ) {
        let once = std::future::poll_fn(|task| Poll::Ready(flow.copy(from, to, task, scratch)));
        tokio::task::coop::unconstrained(once).await.unwrap();
    }

    proptest! {
        /// Whatever the sizes of writes, buffers and reads: every byte arrives, in
        /// order, then the end; and nothing is held once all has been taken.
        #[test]
        fn every_byte_arrives(
            early in prop::collection::vec(any::<u8>(), 0..50),
            said in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..400), 0..10),
            pipe in 1usize..64,
            take in 1usize..100,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (mut client, mut from) = duplex(10_000);
                let (mut to, mut node) = duplex(pipe);
                let mut flow = TunnelDirection::new(Bytes::from(early.clone()));
                let mut scratch = [0; 37];
                let mut expected = early;
                for part in &said {
                    client.write_all(part).await.unwrap();
                    expected.extend_from_slice(part);
                }
                client.shutdown().await.unwrap();
                let mut arrived = Vec::new();
                let mut buffer = vec![0; take];
                loop {
                    copy_once(&mut flow, &mut from, &mut to, &mut scratch).await;
                    prop_assert!(flow.pending.len() <= scratch.len().max(50));
                    if arrived.len() == expected.len() {
                        break;
                    }
                    let read = node.read(&mut buffer).await.unwrap();
                    prop_assert!(read > 0);
                    arrived.extend_from_slice(&buffer[..read]);
                }
                prop_assert_eq!(&arrived, &expected);
                prop_assert_eq!(flow.state, CopyState::Closed);
                prop_assert!(flow.pending.is_empty());
                prop_assert_eq!(node.read(&mut buffer).await.unwrap(), 0);
                Ok(())
            })?;
        }
    }

    #[test]
    fn what_is_not_taken_is_held_and_nothing_more_is_read() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (mut client, mut from) = duplex(1000);
            let (mut to, mut node) = duplex(4);
            let mut flow = TunnelDirection::new(Bytes::new());
            let mut scratch = [0; 16];
            client.write_all(&[7; 100]).await.unwrap();
            copy_once(&mut flow, &mut from, &mut to, &mut scratch).await;
            assert_eq!(flow.pending.len(), 12);
            copy_once(&mut flow, &mut from, &mut to, &mut scratch).await;
            assert_eq!(flow.pending.len(), 12);
            let mut taken = [0; 4];
            node.read_exact(&mut taken).await.unwrap();
            copy_once(&mut flow, &mut from, &mut to, &mut scratch).await;
            assert_eq!(flow.pending.len(), 8);
        });
    }
}
