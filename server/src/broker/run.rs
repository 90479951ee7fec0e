//! The broker's sockets.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use parking_lot::{Mutex, MutexGuard};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    handshake::Handshake,
    hub::{Hub, JoinRequest},
    work_queue::{self, WorkQueue},
};
use crate::{
    backplane::{
        decode_frame, encode_frame,
        local_protocol::{self, FrameReader, FrameWriter, FromBroker, ToBroker},
    },
    id::NodeId,
    net::bounded_queue,
};

/// Frames written with one flush.
const BATCH: usize = 256;

/// Bounds of a broker.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// How often each node is pinged.
    pub ping_interval: Duration,
    /// A node that was silent for this long is hung: it leaves the view.
    pub peer_timeout: Duration,
    /// Frames that may wait for one node; more are dropped.
    pub queue_frames: usize,
    /// Bytes that may wait for one node; more are dropped.
    pub queue_bytes: usize,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(1),
            peer_timeout: Duration::from_secs(5),
            queue_frames: 16_384,
            queue_bytes: 16 * 1024 * 1024,
        }
    }
}

/// Why a broker cannot run.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The listener is unusable.
    #[error("the broker's listener is unusable")]
    Listener(#[source] io::Error),
}

/// Serves nodes until `shutdown` is cancelled; then every connection ends.
///
/// # Errors
/// [`BrokerError`] when the listener has no address.
pub async fn run(
    listener: TcpListener,
    config: BrokerConfig,
    shutdown: CancellationToken,
) -> Result<(), BrokerError> {
    let address = listener.local_addr().map_err(BrokerError::Listener)?;
    tracing::info!(%address, "broker");
    let broker = Arc::new(BrokerServer {
        config,
        hub: Mutex::new(Hub::starting_now()),
        work_queue: Mutex::default(),
    });
    let connections = TaskTracker::new();
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                let broker = Arc::clone(&broker);
                let ended = shutdown
                    .clone()
                    .run_until_cancelled_owned(broker.serve(stream));
                connections.spawn(ended);
            }
            Err(error) => {
                tracing::warn!(%error, "accept");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
    Ok(())
}

struct BrokerServer {
    config: BrokerConfig,
    hub: Mutex<Hub>,
    work_queue: Mutex<WorkQueue>,
}

impl BrokerServer {
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        if let Err(error) = self.serve_connection(stream).await {
            tracing::debug!(%error, "connection ended");
        }
    }

    async fn serve_connection(&self, stream: TcpStream) -> io::Result<()> {
        let (mut reader, mut writer) = local_protocol::framed(stream)?;
        match self.read_handshake(&mut reader).await? {
            Ok(Handshake::Node(newcomer)) => self.serve_node(newcomer, reader, writer).await,
            Ok(Handshake::Producer(known)) => {
                work_queue::serve_producer(&self.work_queue, &self.config, known, reader, writer)
                    .await
            }
            Ok(Handshake::Consumer { group, name }) => {
                tracing::info!(%group, name, "consumer joined");
                work_queue::serve_consumer(&self.work_queue, &self.config, group, reader, writer)
                    .await
            }
            Err(reason) => reject(&mut writer, reason).await,
        }
    }

    async fn serve_node(
        &self,
        newcomer: JoinRequest,
        mut reader: FrameReader,
        mut writer: FrameWriter,
    ) -> io::Result<()> {
        let id = newcomer.id.clone();
        let (queue, waiting) =
            bounded_queue::channel(self.config.queue_frames, self.config.queue_bytes);
        let joined = self.hub().join(newcomer, queue);
        let joined = match joined {
            Ok(joined) => joined,
            Err(taken) => return reject(&mut writer, taken.to_string()).await,
        };
        tracing::info!(node = %id, "node joined");
        // Before what waits in the queue, whose first frame is the view.
        let lease_ms = self.config.peer_timeout.as_millis() as u64;
        let welcome = FromBroker::Welcome { lease_ms };
        let seat = NodeGuard {
            broker: self,
            id,
            generation: joined,
        };
        writer.send(encode_frame(&welcome, &[])).await?;
        tokio::select! {
            ended = self.write_all(waiting, &mut writer) => ended,
            ended = self.read_all(&seat, &mut reader) => ended,
        }
    }

    async fn read_handshake(
        &self,
        reader: &mut FrameReader,
    ) -> io::Result<Result<Handshake, String>> {
        let Some(frame) = timeout(self.config.peer_timeout, reader.next()).await? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        Ok(Handshake::parse(&frame?.freeze()))
    }

    /// Everything queued for the node, and a ping now and then. Ends when the
    /// queue has no other holder: the seat was taken over.
    async fn write_all(
        &self,
        mut waiting: bounded_queue::BoundedReceiver<Bytes>,
        writer: &mut FrameWriter,
    ) -> io::Result<()> {
        let mut pings = interval(self.config.ping_interval);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ping = encode_frame(&FromBroker::Ping, &[]);
        let mut batch: Vec<Bytes> = Vec::new();
        // The welcome comes first.
        pings.reset();
        loop {
            tokio::select! {
                taken = waiting.recv_many(&mut batch, BATCH) => if taken == 0 { return Ok(()) },
                _ = pings.tick() => batch.push(ping.clone()),
            }
            local_protocol::write_batch(writer, batch.drain(..)).await?;
        }
    }

    async fn read_all(&self, seat: &NodeGuard<'_>, reader: &mut FrameReader) -> io::Result<()> {
        loop {
            let Some(frame) = timeout(self.config.peer_timeout, reader.next()).await? else {
                return Ok(());
            };
            let frame = frame?.freeze();
            let (header, payload) = decode_frame(&frame).ok_or(io::ErrorKind::InvalidData)?;
            self.handle(seat, header, &payload)?;
        }
    }

    fn handle(&self, seat: &NodeGuard<'_>, header: ToBroker, payload: &[u8]) -> io::Result<()> {
        let mut switch = self.hub();
        if !switch.is_current(&seat.id, seat.generation) {
            return Err(io::Error::other("the seat was taken over"));
        }
        match header {
            ToBroker::Hello { .. } | ToBroker::Produce { .. } | ToBroker::Consume { .. } => {
                return Err(io::ErrorKind::InvalidData.into());
            }
            ToBroker::Unicast {
                to,
                generation: joined,
            } => switch.unicast(&seat.id, &to, joined, payload),
            ToBroker::Publish { topic } => switch.publish(&seat.id, &topic, payload),
            ToBroker::Subscribe { topic } => switch.subscribe(&seat.id, topic),
            ToBroker::Unsubscribe { topic } => switch.unsubscribe(&seat.id, &topic),
            ToBroker::Pong => {}
        }
        Ok(())
    }

    fn hub(&self) -> MutexGuard<'_, Hub> {
        self.hub.lock()
    }
}

/// A node's place in the switch, given up however its connection ends.
struct NodeGuard<'a> {
    broker: &'a BrokerServer,
    id: NodeId,
    generation: u64,
}

impl Drop for NodeGuard<'_> {
    fn drop(&mut self) {
        self.broker.hub().leave(&self.id, self.generation);
    }
}

async fn reject(writer: &mut FrameWriter, reason: String) -> io::Result<()> {
    tracing::warn!(reason, "refused");
    writer
        .send(encode_frame(&FromBroker::Rejected { reason }, &[]))
        .await
}
