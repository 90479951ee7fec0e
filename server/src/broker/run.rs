//! The broker's listener and its connections to members.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::SinkExt;
use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    BrokerConfig,
    admission::{BrokerAdmission, ConnectionPermits},
    connection::{next_frame, too_slow, write_all},
    handshake,
    hub::{Hub, NameRule},
    topics::SubscriptionLimits,
    work_queue::{self, WorkQueue, WorkQueuePeers},
};
use crate::{
    backplane::{
        Identity, decode_frame, encode_frame,
        local::{
            frames::{FrameDecoder, PartialFrames},
            handshake::{Claim, HandshakeReply},
            protocol::{self, FrameReader, FrameWriter, FromBroker, ToBroker},
        },
    },
    id::NodeId,
    net::bounded_queue::group::{GroupedChannel, QueueGroup},
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
    /// Other machines reach the listener, and the broker has no secret to know them by.
    #[error("cannot serve other machines on {0} without a cluster secret")]
    NoSecret(SocketAddr),
}

/// Serves peers until `shutdown` is cancelled; then every connection ends.
///
/// # Errors
/// [`BrokerError`] when the listener has no address, or is not on loopback and there is no
/// secret.
pub async fn run(
    listener: TcpListener,
    config: BrokerConfig,
    shutdown: CancellationToken,
) -> Result<(), BrokerError> {
    let address = listener.local_addr().map_err(BrokerError::Listener)?;
    config.check_address(address)?;
    tracing::info!(%address, "the broker listens");
    let broker = Arc::new(BrokerServer::new(config));
    let connections = TaskTracker::new();
    let expiring = work_queue::expire_groups(Arc::clone(&broker.work_queue));
    connections.spawn(shutdown.clone().run_until_cancelled_owned(expiring));
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                let Some(permits) = broker.admission.try_admit(peer.ip()) else {
                    continue;
                };
                let broker = Arc::clone(&broker);
                let served = async move {
                    if let Err(error) = broker.serve(stream, permits).await {
                        tracing::debug!(%peer, %error, "a connection ended");
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

impl BrokerConfig {
    /// Checks that a broker with this configuration may listen on `address`.
    ///
    /// # Errors
    /// [`BrokerError::NoSecret`] off loopback without a secret.
    pub fn check_address(&self, address: SocketAddr) -> Result<(), BrokerError> {
        match self.secret.is_some() || address.ip().to_canonical().is_loopback() {
            true => Ok(()),
            false => Err(BrokerError::NoSecret(address)),
        }
    }
}

struct BrokerServer {
    config: BrokerConfig,
    hub: Mutex<Hub>,
    work_queue: Arc<Mutex<WorkQueue>>,
    partial_frames: Arc<PartialFrames>,
    admission: BrokerAdmission,
    /// The queues to all peers.
    queues: Arc<QueueGroup>,
}

impl BrokerServer {
    fn new(config: BrokerConfig) -> Self {
        // Peers without a secret are known by nothing but their being on this machine.
        let name_rule = match config.secret {
            Some(_) => NameRule::LaterReplaces,
            None => NameRule::HolderKeeps,
        };
        let limits = SubscriptionLimits {
            per_member: config.topics_per_member,
            all: config.max_subscriptions,
        };
        let work_queue = WorkQueue::new(config.max_groups, config.group_expiry);
        Self {
            hub: Mutex::new(Hub::starting_now(name_rule, limits)),
            work_queue: Arc::new(Mutex::new(work_queue)),
            partial_frames: Arc::new(PartialFrames::new(config.partial_frame_bytes)),
            admission: BrokerAdmission::new(&config),
            queues: QueueGroup::new(config.total_queue_bytes),
            config,
        }
    }

    async fn serve(&self, stream: TcpStream, permits: ConnectionPermits) -> io::Result<()> {
        let ConnectionPermits {
            connection: _connection,
            handshake,
        } = permits;
        let decoder = FrameDecoder::of_broker(Arc::clone(&self.partial_frames));
        let (mut reader, mut writer) = protocol::framed(stream, decoder)?;
        let secret = self.config.secret.as_ref();
        let introduced = timeout(
            self.config.handshake_timeout,
            handshake::accept(&mut reader, &mut writer, secret),
        );
        let introduced = introduced.await??;
        drop(handshake);
        let peers = WorkQueuePeers {
            work_queue: &self.work_queue,
            config: &self.config,
            queues: &self.queues,
        };
        match introduced {
            Ok(Claim::Member {
                identity,
                last_version,
            }) => {
                let served = self.serve_member(identity, last_version, reader, writer);
                served.await
            }
            Ok(Claim::Producer { groups }) => peers.serve_producer(groups, reader, writer).await,
            Ok(Claim::Consumer { group, name }) => match self.admission.try_admit_consumer() {
                Ok(_permit) => {
                    tracing::info!(%group, name, "a consumer joined");
                    peers.serve_consumer(group, reader, writer).await
                }
                Err(reason) => peers.reject_consumer(reason, writer).await,
            },
            Ok(Claim::Operator { removed_group }) => match self.admission.try_admit_consumer() {
                Ok(_permit) => peers.serve_operator(removed_group, writer).await,
                Err(reason) => peers.reject_operator(reason, writer).await,
            },
            Err(reason) => {
                tracing::warn!(reason, "rejected a peer");
                let rejected = encode_frame(&HandshakeReply::Rejected { reason }, &[]);
                timeout(self.config.handshake_timeout, writer.send(rejected)).await?
            }
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
        let (queue_frames, queue_bytes) = (self.config.queue_frames, self.config.queue_bytes);
        let GroupedChannel {
            sender,
            receiver,
            overflowed,
        } = self.queues.channel(queue_frames, queue_bytes);
        // A statement of its own: the lock must not be held over the await below.
        let joined = self.hub.lock().join(identity, sender, last_version);
        let generation = match joined {
            Ok(generation) => generation,
            Err(error) => {
                let reason = error.to_string();
                tracing::warn!(reason, "rejected a node");
                let rejected = encode_frame(&FromBroker::Rejected { reason }, &[]);
                return timeout(self.config.peer_timeout, writer.send(rejected)).await?;
            }
        };
        tracing::info!(node = %id, "a node joined");
        let member = JoinedMember {
            broker: self,
            id,
            generation,
            has_too_many_topics: AtomicBool::new(false),
        };
        // Written directly: the queue holds the view already, and the welcome comes first.
        let lease_ms = self.config.peer_timeout.as_millis() as u64;
        let welcome = FromBroker::Welcome { lease_ms };
        writer.send(encode_frame(&welcome, &[])).await?;
        let ping_interval = self.config.ping_interval;
        tokio::select! {
            ended = write_all(receiver, &mut writer, &FromBroker::Ping, ping_interval) => ended,
            ended = member.read_all(&mut reader) => ended,
            () = overflowed.cancelled() => Err(too_slow()),
        }
    }
}

/// A member in the hub. It leaves when this is dropped, however its connection ends.
struct JoinedMember<'b> {
    broker: &'b BrokerServer,
    id: NodeId,
    generation: u64,
    /// Whether a subscription was ignored, which is logged once.
    has_too_many_topics: AtomicBool,
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
            ToBroker::Unicast { to, generation } => {
                hub.unicast(&self.id, &to, generation, payload);
            }
            ToBroker::Publish { topic } => hub.publish(&self.id, &topic, payload),
            ToBroker::Subscribe { topic } => {
                // A node whose connection ended for it would lose all other topics as well.
                if !hub.subscribe(&self.id, topic) && !self.has_too_many_topics.swap(true, Relaxed)
                {
                    let node = &self.id;
                    tracing::warn!(%node, "too many topics; further subscriptions are ignored");
                }
            }
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
