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

use super::{backend_load::SocketLease, state::Gateway};
use crate::stream::Wire;

/// One read's worth, per runtime worker rather than per socket.
const SCRATCH_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// The steady state of a proxied socket. Its size is paid once per idle socket: it
/// holds bytes only while one side has not taken what the other said.
pub(super) struct Tunnel {
    client: Wire,
    node: TcpStream,
    to_node: Flow,
    to_client: Flow,
    /// Runs once one side has ended.
    linger: Option<Pin<Box<Sleep>>>,
    /// `None` once the node has ended it: it counts there no more.
    lease: Option<SocketLease>,
    gateway: Arc<Gateway>,
    number: u64,
}

/// The two ends of a socket, each with what was read past its handshake.
pub(super) struct Ends {
    pub(super) client: Wire,
    pub(super) client_said: Bytes,
    pub(super) node: TcpStream,
    pub(super) node_said: Bytes,
}

/// One direction.
struct Flow {
    /// Read, and not yet taken by the other side.
    held: Bytes,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Ending,
    Ended,
}

impl Tunnel {
    /// It counts in the gateway's room and among its tunnels, under that number,
    /// until it is dropped.
    pub(super) fn new(gateway: Arc<Gateway>, ends: Ends, lease: SocketLease, number: u64) -> Self {
        gateway.room.stay();
        Self {
            client: ends.client,
            node: ends.node,
            to_node: Flow::new(ends.client_said),
            to_client: Flow::new(ends.node_said),
            linger: None,
            lease: Some(lease),
            gateway,
            number,
        }
    }

    /// Hands on what there is, both ways.
    fn pump(&mut self, task: &mut Context<'_>) -> io::Result<()> {
        let Self {
            client,
            node,
            to_node,
            to_client,
            ..
        } = self;
        SCRATCH.with_borrow_mut(|scratch| {
            to_node.pump(client, node, task, scratch)?;
            to_client.pump(node, client, task, scratch)
        })
    }

    /// Waits for the side that has not ended; whether it has been long enough.
    fn has_lingered(&mut self, task: &mut Context<'_>) -> bool {
        let length = self.gateway.config.limits.linger;
        let linger = self.linger.get_or_insert_with(|| Box::pin(sleep(length)));
        linger.as_mut().poll(task).is_ready()
    }
}

impl Future for Tunnel {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.pump(task).is_err() {
            return Poll::Ready(());
        }
        if this.to_client.stage != Stage::Open {
            this.lease = None;
        }
        match (this.to_node.stage, this.to_client.stage) {
            (Stage::Ended, Stage::Ended) => Poll::Ready(()),
            (Stage::Open, Stage::Open) => Poll::Pending,
            _ if this.has_lingered(task) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.gateway.tunnels.closed(self.number);
        self.gateway.room.leave();
    }
}

impl Flow {
    fn new(held: Bytes) -> Self {
        Self {
            held,
            stage: Stage::Open,
        }
    }

    /// Hands on until there is nothing to read, or the other side takes no more.
    fn pump<R, W>(
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
        while self.stage != Stage::Ended {
            // Nothing is read while something is held: who does not take what is said
            // slows the other down.
            if self.write_held(to, task)?.is_pending() {
                return Ok(());
            }
            if self.stage == Stage::Ending {
                match Pin::new(&mut *to).poll_shutdown(task) {
                    Poll::Pending => return Ok(()),
                    Poll::Ready(told) => told?,
                }
                self.stage = Stage::Ended;
                return Ok(());
            }
            let mut read = ReadBuf::new(scratch);
            match Pin::new(&mut *from).poll_read(task, &mut read) {
                Poll::Pending => return Ok(()),
                Poll::Ready(done) => done?,
            }
            match read.filled() {
                [] => self.stage = Stage::Ending,
                said => self.held = write_some(said, to, task)?,
            }
        }
        Ok(())
    }

    /// Ready when the other side has taken all.
    fn write_held<W: AsyncWrite + Unpin>(
        &mut self,
        to: &mut W,
        task: &mut Context<'_>,
    ) -> io::Result<Poll<()>> {
        while !self.held.is_empty() {
            match Pin::new(&mut *to).poll_write(task, &self.held) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(written) => match written? {
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    written => self.held.advance(written),
                },
            }
        }
        // Lets go of the allocation.
        self.held = Bytes::new();
        // TLS may hold back what the kernel did not take.
        match Pin::new(&mut *to).poll_flush(task) {
            Poll::Pending => Ok(Poll::Pending),
            Poll::Ready(flushed) => flushed.map(Poll::Ready),
        }
    }
}

/// Writes what the other side takes at once; answers the rest.
fn write_some<W: AsyncWrite + Unpin>(
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

    /// What an idle tunnel costs in its task, before the allocator rounds up. A field
    /// added here is paid for every proxied socket.
    #[test]
    fn the_steady_state_is_small() {
        assert!(size_of::<Tunnel>() <= 224, "{} bytes", size_of::<Tunnel>());
    }

    /// Without the runtime's budget: it would stop at any byte, and nobody would go on.
    async fn pump(
        flow: &mut Flow,
        from: &mut DuplexStream,
        to: &mut DuplexStream,
        scratch: &mut [u8],
    ) {
        let once = std::future::poll_fn(|task| Poll::Ready(flow.pump(from, to, task, scratch)));
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
                let mut flow = Flow::new(Bytes::from(early.clone()));
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
                    pump(&mut flow, &mut from, &mut to, &mut scratch).await;
                    prop_assert!(flow.held.len() <= scratch.len().max(50));
                    if arrived.len() == expected.len() {
                        break;
                    }
                    let read = node.read(&mut buffer).await.unwrap();
                    prop_assert!(read > 0);
                    arrived.extend_from_slice(&buffer[..read]);
                }
                prop_assert_eq!(&arrived, &expected);
                prop_assert_eq!(flow.stage, Stage::Ended);
                prop_assert!(flow.held.is_empty());
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
            let mut flow = Flow::new(Bytes::new());
            let mut scratch = [0; 16];
            client.write_all(&[7; 100]).await.unwrap();
            pump(&mut flow, &mut from, &mut to, &mut scratch).await;
            assert_eq!(flow.held.len(), 12);
            pump(&mut flow, &mut from, &mut to, &mut scratch).await;
            assert_eq!(flow.held.len(), 12);
            let mut taken = [0; 4];
            node.read_exact(&mut taken).await.unwrap();
            pump(&mut flow, &mut from, &mut to, &mut scratch).await;
            assert_eq!(flow.held.len(), 8);
        });
    }
}
