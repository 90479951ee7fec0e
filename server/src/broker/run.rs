//! The broker's sockets.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    handshake::Visitor,
    hub::{Newcomer, Switch},
    protocol::{self, FromBroker, Reader, ToBroker, Writer},
    work_queue::{self, Groups},
};
use crate::{
    backplane::{open, seal},
    bounded_queue,
    id::NodeId,
};

/// Frames written with one flush.
const BATCH: usize = 256;

/// Bounds of a broker.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// How often each node is pinged.
    pub ping_every: Duration,
    /// A node that was silent for this long is hung: it leaves the view.
    pub dead_after: Duration,
    /// Frames that may wait for one node; more are dropped.
    pub queue_frames: usize,
    /// Bytes that may wait for one node; more are dropped.
    pub queue_bytes: usize,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(1),
            dead_after: Duration::from_secs(5),
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
    let broker = Arc::new(Broker {
        config,
        switch: Mutex::new(Switch::starting_now()),
        groups: Mutex::default(),
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

struct Broker {
    config: BrokerConfig,
    switch: Mutex<Switch>,
    groups: Mutex<Groups>,
}

impl Broker {
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        if let Err(error) = self.connection(stream).await {
            tracing::debug!(%error, "connection ended");
        }
    }

    async fn connection(&self, stream: TcpStream) -> io::Result<()> {
        let (mut reader, mut writer) = protocol::frames(stream)?;
        match self.hello(&mut reader).await? {
            Ok(Visitor::Node(newcomer)) => self.node(newcomer, reader, writer).await,
            Ok(Visitor::Producer(known)) => {
                work_queue::producer(&self.groups, &self.config, known, reader, writer).await
            }
            Ok(Visitor::Consumer { group, name }) => {
                tracing::info!(%group, name, "consumer joined");
                work_queue::consumer(&self.groups, &self.config, group, reader, writer).await
            }
            Err(reason) => refuse(&mut writer, reason).await,
        }
    }

    async fn node(
        &self,
        newcomer: Newcomer,
        mut reader: Reader,
        mut writer: Writer,
    ) -> io::Result<()> {
        let id = newcomer.id.clone();
        let (queue, waiting) =
            bounded_queue::channel(self.config.queue_frames, self.config.queue_bytes);
        let joined = self.switch().join(newcomer, queue);
        let joined = match joined {
            Ok(joined) => joined,
            Err(taken) => return refuse(&mut writer, taken.to_string()).await,
        };
        tracing::info!(node = %id, "node joined");
        // Before what waits in the queue, whose first frame is the view.
        let lease_ms = self.config.dead_after.as_millis() as u64;
        let welcome = FromBroker::Welcome { lease_ms };
        let seat = Seated {
            broker: self,
            id,
            joined,
        };
        writer.send(seal(&welcome, &[])).await?;
        tokio::select! {
            ended = self.write_all(waiting, &mut writer) => ended,
            ended = self.read_all(&seat, &mut reader) => ended,
        }
    }

    async fn hello(&self, reader: &mut Reader) -> io::Result<Result<Visitor, String>> {
        let Some(frame) = timeout(self.config.dead_after, reader.next()).await? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        Ok(Visitor::of(&frame?.freeze()))
    }

    /// Everything queued for the node, and a ping now and then. Ends when the
    /// queue has no other holder: the seat was taken over.
    async fn write_all(
        &self,
        mut waiting: bounded_queue::Receiver<Bytes>,
        writer: &mut Writer,
    ) -> io::Result<()> {
        let mut pings = interval(self.config.ping_every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ping = seal(&FromBroker::Ping, &[]);
        let mut batch: Vec<Bytes> = Vec::new();
        // The welcome comes first.
        pings.reset();
        loop {
            tokio::select! {
                taken = waiting.recv_many(&mut batch, BATCH) => if taken == 0 { return Ok(()) },
                _ = pings.tick() => batch.push(ping.clone()),
            }
            protocol::write_batch(writer, batch.drain(..)).await?;
        }
    }

    async fn read_all(&self, seat: &Seated<'_>, reader: &mut Reader) -> io::Result<()> {
        loop {
            let Some(frame) = timeout(self.config.dead_after, reader.next()).await? else {
                return Ok(());
            };
            let frame = frame?.freeze();
            let (header, payload) = open(&frame).ok_or(io::ErrorKind::InvalidData)?;
            self.handle(seat, header, &payload)?;
        }
    }

    fn handle(&self, seat: &Seated<'_>, header: ToBroker, payload: &[u8]) -> io::Result<()> {
        let mut switch = self.switch();
        if !switch.holds(&seat.id, seat.joined) {
            return Err(io::Error::other("the seat was taken over"));
        }
        match header {
            ToBroker::Hello { .. } | ToBroker::Produce { .. } | ToBroker::Consume { .. } => {
                return Err(io::ErrorKind::InvalidData.into());
            }
            ToBroker::Unicast { to, joined } => switch.unicast(&seat.id, &to, joined, payload),
            ToBroker::Publish { topic } => switch.publish(&seat.id, &topic, payload),
            ToBroker::Subscribe { topic } => switch.subscribe(&seat.id, topic),
            ToBroker::Unsubscribe { topic } => switch.unsubscribe(&seat.id, &topic),
            ToBroker::Pong => {}
        }
        Ok(())
    }

    fn switch(&self) -> MutexGuard<'_, Switch> {
        self.switch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A node's place in the switch, given up however its connection ends.
struct Seated<'a> {
    broker: &'a Broker,
    id: NodeId,
    joined: u64,
}

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        self.broker.switch().leave(&self.id, self.joined);
    }
}

async fn refuse(writer: &mut Writer, reason: String) -> io::Result<()> {
    tracing::warn!(reason, "refused");
    writer
        .send(seal(&FromBroker::Refused { reason }, &[]))
        .await
}
