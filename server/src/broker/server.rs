//! The state that all connections of a broker share, and the service of one connection.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use futures_util::SinkExt;
use parking_lot::Mutex;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    BrokerConfig,
    admission::{BrokerAdmission, ConnectionPermits},
    connection::{next_frame, too_slow, write_all},
    handshake::{self, HandshakeFailure, Introduced},
    hub::{Hub, NameRule},
    liveness::{LifeSigns, Liveness, Verdict},
    metrics::BrokerMetrics,
    topics::SubscriptionLimits,
    work_queue::{WorkQueue, WorkQueueServer},
};
use crate::{
    api::OperatorAccess,
    backplane::{
        Identity, decode_frame, encode_frame,
        local::{
            frames::{FrameDecoder, PartialFrames},
            handshake::{Claim, HandshakeReply},
            protocol::{self, FrameReader, FrameWriter, FromBroker, ToBroker},
        },
    },
    id::NodeId,
    net::{
        bounded_queue::group::{GroupedChannel, QueueGroup},
        task_group::TaskHealth,
    },
};

/// The state that all connections of a broker share.
pub(super) struct BrokerServer {
    pub(super) config: BrokerConfig,
    pub(super) hub: Mutex<Hub>,
    pub(super) liveness: Arc<Liveness>,
    pub(super) work_queue: Arc<Mutex<WorkQueue>>,
    pub(super) partial_frames: Arc<PartialFrames>,
    pub(super) admission: BrokerAdmission,
    /// The queues to all peers.
    pub(super) queues: Arc<QueueGroup>,
    pub(super) metrics: BrokerMetrics,
    pub(super) operators: OperatorAccess,
    /// Whether the broker's essential tasks run.
    pub(super) task_health: TaskHealth,
}

impl BrokerServer {
    pub(super) fn new(config: BrokerConfig) -> Self {
        // Without a secret, any process of this machine could replace a connected peer.
        let name_rule = match config.secret {
            Some(_) => NameRule::LaterReplaces,
            None => NameRule::HolderKeeps,
        };
        let limits = SubscriptionLimits {
            per_member: config.topics_per_member,
            all: config.max_subscriptions,
        };
        let work_queue = WorkQueue::new(config.max_groups, config.group_expiry);
        let metrics = BrokerMetrics::new();
        Self {
            hub: Mutex::new(Hub::starting_now(name_rule, limits)),
            liveness: Arc::new(Liveness::new(config.peer_timeout)),
            work_queue: Arc::new(Mutex::new(work_queue)),
            partial_frames: Arc::new(PartialFrames::new(config.partial_frame_bytes)),
            admission: BrokerAdmission::new(&config, metrics.clone()),
            queues: QueueGroup::new(config.total_queue_bytes),
            metrics,
            operators: OperatorAccess::new(config.admin_token.clone()),
            task_health: TaskHealth::default(),
            config,
        }
    }

    /// Serves an accepted connection until it ends.
    pub(super) async fn serve(
        &self,
        stream: TcpStream,
        permits: ConnectionPermits,
    ) -> io::Result<()> {
        let ConnectionPermits {
            connection: _connection,
            handshake,
        } = permits;
        let decoder = FrameDecoder::of_broker(Arc::clone(&self.partial_frames));
        let (mut reader, mut writer) = protocol::framed(stream, decoder)?;
        let introduced = self.introduce(&mut reader, &mut writer).await?;
        drop(handshake);
        let work_queue = WorkQueueServer {
            work_queue: &self.work_queue,
            config: &self.config,
            queues: &self.queues,
            metrics: &self.metrics,
        };
        match introduced {
            Ok(Claim::Member {
                identity,
                last_version,
            }) => {
                let served = self.serve_member(identity, last_version, reader, writer);
                served.await
            }
            Ok(Claim::Producer { groups }) => {
                work_queue.serve_producer(groups, reader, writer).await
            }
            Ok(Claim::Consumer { group, name }) => match self.admission.try_admit_consumer() {
                Ok(_permit) => {
                    tracing::info!(%group, name, "a consumer joined");
                    work_queue.serve_consumer(group, reader, writer).await
                }
                Err(reason) => work_queue.reject_consumer(reason, writer).await,
            },
            Ok(Claim::Operator { removed_group }) => match self.admission.try_admit_consumer() {
                Ok(_permit) => work_queue.serve_operator(removed_group, writer).await,
                Err(reason) => work_queue.reject_operator(reason, writer).await,
            },
            Err(rejected) => {
                let reason = rejected.reason;
                tracing::warn!(reason, "rejected a peer");
                let rejected = encode_frame(&HandshakeReply::Rejected { reason }, &[]);
                timeout(self.config.handshake_timeout, writer.send(rejected)).await?
            }
        }
    }

    /// Makes the handshake of a peer, and counts one that fails.
    async fn introduce(
        &self,
        reader: &mut FrameReader,
        writer: &mut FrameWriter,
    ) -> io::Result<Introduced> {
        let secret = self.config.secret.as_ref();
        let accepting = handshake::accept(reader, writer, secret);
        let introduced = timeout(self.config.handshake_timeout, accepting).await;
        let failure = match &introduced {
            Ok(Ok(Ok(_))) => None,
            Ok(Ok(Err(rejected))) => Some(rejected.failure),
            Ok(Err(_)) => Some(HandshakeFailure::Broken),
            Err(_) => Some(HandshakeFailure::TimedOut),
        };
        if let Some(failure) = failure {
            self.metrics.record_failed_handshake(failure);
        }
        introduced?
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
        // A statement of its own, so that the lock is released before the await below.
        let joined = self.hub.lock().join(identity, sender, last_version);
        let generation = match joined {
            Ok(generation) => generation,
            Err(error) => {
                let reason = error.to_string();
                self.metrics.members_rejected.inc();
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
            life: self.liveness.add(generation),
            has_too_many_topics: AtomicBool::new(false),
        };
        // Written directly: the view may be in the queue already, and the welcome comes first.
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
    life: LifeSigns,
    /// Whether a subscription was ignored, which is logged once.
    has_too_many_topics: AtomicBool,
}

impl JoinedMember<'_> {
    async fn read_all(&self, reader: &mut FrameReader) -> io::Result<()> {
        while let Some(frame) = self.next_frame(reader).await? {
            let (header, payload) = decode_frame(&frame).ok_or(io::ErrorKind::InvalidData)?;
            self.handle(header, &payload)?;
        }
        Ok(())
    }

    /// Reads the next frame. Fails when the member is silent for so long that it counts as
    /// dead.
    async fn next_frame(&self, reader: &mut FrameReader) -> io::Result<Option<Bytes>> {
        let mut wait = self.broker.config.peer_timeout;
        loop {
            match next_frame(reader, wait).await {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    match self.broker.liveness.judge(self.generation, Instant::now()) {
                        Verdict::Wait(further) => wait = further,
                        Verdict::Dead => return Err(error),
                    }
                }
                frame => {
                    self.life.record(Instant::now());
                    return frame;
                }
            }
        }
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
                // Ignored only: ending the connection would cost the node all its other topics.
                if !hub.subscribe(&self.id, topic) {
                    self.record_rejected_subscription();
                }
            }
            ToBroker::Unsubscribe { topic } => hub.unsubscribe(&self.id, &topic),
            // Reading it has renewed the peer's timeout.
            ToBroker::Pong => {}
        }
        Ok(())
    }

    fn record_rejected_subscription(&self) {
        self.broker.metrics.subscriptions_rejected.inc();
        if !self.has_too_many_topics.swap(true, Relaxed) {
            let node = &self.id;
            tracing::warn!(%node, "too many topics; further subscriptions are ignored");
        }
    }
}

impl Drop for JoinedMember<'_> {
    fn drop(&mut self) {
        self.broker.liveness.remove(self.generation);
        self.broker.hub.lock().leave(&self.id, self.generation);
    }
}
