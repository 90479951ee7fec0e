//! The broker's listener and its connections to members.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::SinkExt;
use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    BrokerConfig,
    connection::{next_frame, write_all},
    handshake::Handshake,
    hub::Hub,
    work_queue::{self, WorkQueue},
};
use crate::{
    backplane::{
        Identity, decode_frame, encode_frame,
        local::protocol::{self, FrameReader, FrameWriter, FromBroker, ToBroker},
    },
    id::NodeId,
    net::bounded_queue,
};

/// The pause after a failed accept.
// Without it, a process that is out of files would spend its CPU on the same error.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A reason why a broker cannot run.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The listener is unusable.
    #[error("cannot use the broker's listener")]
    Listener(#[source] io::Error),
}

/// Serves peers until `shutdown` is cancelled; then every connection ends.
///
/// # Errors
/// [`BrokerError`] when the listener has no address.
pub async fn run(
    listener: TcpListener,
    config: BrokerConfig,
    shutdown: CancellationToken,
) -> Result<(), BrokerError> {
    let address = listener.local_addr().map_err(BrokerError::Listener)?;
    tracing::info!(%address, "the broker listens");
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
                let served = async move {
                    if let Err(error) = broker.serve(stream).await {
                        tracing::debug!(%error, "a connection ended");
                    }
                };
                connections.spawn(shutdown.clone().run_until_cancelled_owned(served));
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed; retrying in {ACCEPT_PAUSE:?}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // Every task ends at its next await point, since `shutdown` is cancelled.
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
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let (mut reader, mut writer) = protocol::framed(stream)?;
        // Within the peer timeout: a peer that says nothing must not keep its connection.
        let Some(hello) = next_frame(&mut reader, self.config.peer_timeout).await? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let (queue, config) = (&self.work_queue, &self.config);
        match Handshake::parse(&hello) {
            Ok(Handshake::Member(identity, last_version)) => {
                let served = self.serve_member(identity, last_version, reader, writer);
                served.await
            }
            Ok(Handshake::Producer(groups)) => {
                work_queue::serve_producer(queue, config, groups, reader, writer).await
            }
            Ok(Handshake::Consumer { group, name }) => {
                tracing::info!(%group, name, "a consumer joined");
                work_queue::serve_consumer(queue, config, group, reader, writer).await
            }
            Err(reason) => reject(&mut writer, reason).await,
        }
    }

    async fn serve_member(
        &self,
        identity: Identity,
        last_version: u64,
        mut reader: FrameReader,
        mut writer: FrameWriter,
    ) -> io::Result<()> {
        let id = identity.id.clone();
        let (sender, queue) =
            bounded_queue::channel(self.config.queue_frames, self.config.queue_bytes);
        // A statement of its own: the lock must not be held over the await below.
        let joined = self.hub.lock().join(identity, sender, last_version);
        let generation = match joined {
            Ok(generation) => generation,
            Err(conflict) => return reject(&mut writer, conflict.to_string()).await,
        };
        tracing::info!(node = %id, "a node joined");
        let member = JoinedMember {
            broker: self,
            id,
            generation,
        };
        // Written directly: the queue holds the view already, and the welcome comes first.
        let lease_ms = self.config.peer_timeout.as_millis() as u64;
        let welcome = FromBroker::Welcome { lease_ms };
        writer.send(encode_frame(&welcome, &[])).await?;
        let ping_interval = self.config.ping_interval;
        tokio::select! {
            ended = write_all(queue, &mut writer, &FromBroker::Ping, ping_interval) => ended,
            ended = member.read_all(&mut reader) => ended,
        }
    }
}

/// A member in the hub. It leaves when this is dropped, however its connection ends.
struct JoinedMember<'b> {
    broker: &'b BrokerServer,
    id: NodeId,
    generation: u64,
}

impl JoinedMember<'_> {
    async fn read_all(&self, reader: &mut FrameReader) -> io::Result<()> {
        while let Some(frame) = next_frame(reader, self.broker.config.peer_timeout).await? {
            let (header, payload) = decode_frame(&frame).ok_or(io::ErrorKind::InvalidData)?;
            self.handle(header, &payload)?;
        }
        Ok(())
    }

    fn handle(&self, header: ToBroker, payload: &Bytes) -> io::Result<()> {
        let mut hub = self.broker.hub.lock();
        // Checked under the lock of the action: a replaced connection must not act on
        // the entry of the new one.
        if !hub.is_current(&self.id, self.generation) {
            return Err(io::Error::other("a later connection replaced this one"));
        }
        match header {
            ToBroker::Hello { .. } | ToBroker::Produce { .. } | ToBroker::Consume { .. } => {
                return Err(io::ErrorKind::InvalidData.into());
            }
            ToBroker::Unicast { to, generation } => {
                hub.unicast(&self.id, &to, generation, payload);
            }
            ToBroker::Publish { topic } => hub.publish(&self.id, &topic, payload),
            ToBroker::Subscribe { topic } => hub.subscribe(&self.id, topic),
            ToBroker::Unsubscribe { topic } => hub.unsubscribe(&self.id, &topic),
            // Reading it has renewed the peer's timeout.
            ToBroker::Pong => {}
        }
        Ok(())
    }
}

impl Drop for JoinedMember<'_> {
    fn drop(&mut self) {
        self.broker.hub.lock().leave(&self.id, self.generation);
    }
}

async fn reject(writer: &mut FrameWriter, reason: String) -> io::Result<()> {
    tracing::warn!(reason, "rejected a peer");
    let rejected = FromBroker::Rejected { reason };
    writer.send(encode_frame(&rejected, &[])).await
}
