//! The embedded broker's queue (`local://HOST:PORT`).
//!
//! The broker stores nothing on disk. It accepts a record once every group has handled
//! it. Until then the node keeps the record, and publishes it again when the broker or
//! the connection was lost. So no accepted record depends on the broker's process.
//! Records in flight when the broker dies are handled twice at most.
//!
//! The broker and every node remember the groups, so a group outlives either. The broker
//! removes a group that had no consumers for some time; a node that was connected meanwhile
//! forgets it too.

use std::{collections::BTreeSet, io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt, TryFutureExt};
use parking_lot::Mutex;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

use super::{
    Telemetry,
    local_protocol::{
        ConsumerGroupStatus, FromConsumer, FromProducer, ToConsumer, ToOperator, ToProducer,
    },
    queue::{
        ACK_WAIT, GroupConsumer, MAX_GROUPS, MAX_UNACKED, PendingPublish, PublishResult,
        QueueError, TelemetryDelivery, TelemetryProducer, with_timeout,
    },
};
use crate::{
    backplane::{
        ClusterSecret, decode_frame, encode_frame,
        local::{
            frames::FrameDecoder,
            handshake::{Claim, introduce},
            protocol::{self, FrameReader, FrameWriter},
        },
    },
    id::ConsumerGroup,
};

/// The time that connecting to the broker may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The time that [`GroupConsumer::poll`] waits.
const POLL_TIMEOUT: Duration = Duration::from_secs(1);

/// The broker's address, and the known groups. The groups outlive a connection.
#[derive(Clone)]
pub(super) struct LocalAddress {
    authority: String,
    secret: Option<ClusterSecret>,
    groups: Arc<Mutex<BTreeSet<ConsumerGroup>>>,
}

impl LocalAddress {
    pub(super) fn new(authority: String, secret: Option<ClusterSecret>) -> Self {
        Self {
            authority,
            secret,
            groups: Arc::default(),
        }
    }

    fn set_groups(&self, groups: Vec<ConsumerGroup>) {
        *self.groups.lock() = groups.into_iter().collect();
    }
}

/// A node's connection to the broker, for telemetry only.
pub(super) struct LocalProducer {
    connection: BrokerConnection,
    address: LocalAddress,
}

impl TelemetryProducer for LocalProducer {
    type Address = LocalAddress;

    async fn connect(address: &LocalAddress) -> Result<Self, QueueError> {
        // A restarted broker learns its groups from the nodes.
        let known = address
            .groups
            .lock()
            .iter()
            .take(MAX_GROUPS)
            .cloned()
            .collect();
        let claim = Claim::Producer { groups: known };
        let secret = address.secret.as_ref();
        let mut producer = Self {
            connection: BrokerConnection::open(&address.authority, secret, &claim).await?,
            address: address.clone(),
        };
        match producer.connection.next().await? {
            (ToProducer::Groups(groups), _) => producer.address.set_groups(groups),
            (ToProducer::Rejected { reason }, _) => return Err(QueueError::Rejected(reason)),
            _ => return Err(unexpected_frame()),
        }
        Ok(producer)
    }

    async fn publish(
        &mut self,
        records: Vec<PendingPublish>,
        _: &mut Vec<PublishResult>,
    ) -> Result<(), QueueError> {
        let frames = records
            .into_iter()
            .map(|PendingPublish { sequence, payload }| {
                encode_frame(&FromProducer::Publish { sequence }, &payload)
            });
        let written = protocol::write_batch(&mut self.connection.writer, frames);
        // A broker that hangs reads nothing, and while this writes no read times out.
        with_timeout(ACK_WAIT, written.map_err(QueueError::disconnected)).await
    }

    async fn next_results(&mut self) -> Result<Vec<PublishResult>, QueueError> {
        loop {
            match self.connection.next().await?.0 {
                ToProducer::PublishResults(results) => {
                    let result = |(sequence, outcome)| PublishResult { sequence, outcome };
                    return Ok(results.into_iter().map(result).collect());
                }
                ToProducer::Groups(groups) => self.address.set_groups(groups),
                ToProducer::Ping => self.connection.send(&FromProducer::Pong).await?,
                ToProducer::Rejected { reason } => return Err(QueueError::Rejected(reason)),
            }
        }
    }
}

/// A consumer's connection to the broker.
pub(super) struct LocalConsumer {
    connection: BrokerConnection,
}

impl GroupConsumer for LocalConsumer {
    type Address = LocalAddress;
    type Receipt = u64;

    async fn join(
        address: &LocalAddress,
        group: &ConsumerGroup,
        name: &str,
    ) -> Result<Self, QueueError> {
        let claim = Claim::Consumer {
            group: group.clone(),
            name: name.to_owned(),
        };
        let secret = address.secret.as_ref();
        let mut connection = BrokerConnection::open(&address.authority, secret, &claim).await?;
        match connection.next().await?.0 {
            ToConsumer::Joined => Ok(Self { connection }),
            ToConsumer::Rejected { reason } => Err(QueueError::Rejected(reason)),
            ToConsumer::Delivery { .. } | ToConsumer::Ping => Err(unexpected_frame()),
        }
    }

    async fn poll(&mut self) -> Result<Vec<TelemetryDelivery<u64>>, QueueError> {
        let until = Instant::now() + POLL_TIMEOUT;
        let mut deliveries = Vec::new();
        while deliveries.len() < MAX_UNACKED {
            let next = if deliveries.is_empty() {
                timeout_at(until, self.connection.next()).await.ok()
            } else {
                // Only deliveries that have arrived already.
                self.connection.next().now_or_never()
            };
            match next.transpose()? {
                None => break,
                Some((
                    ToConsumer::Delivery {
                        receipt,
                        redelivered,
                    },
                    payload,
                )) => deliveries.push(TelemetryDelivery {
                    telemetry: Telemetry::decode(&payload),
                    redelivered,
                    receipt,
                }),
                Some((ToConsumer::Ping, _)) => self.connection.send(&FromConsumer::Pong).await?,
                Some((ToConsumer::Rejected { reason }, _)) => {
                    return Err(QueueError::Rejected(reason));
                }
                Some((ToConsumer::Joined, _)) => return Err(unexpected_frame()),
            }
        }
        Ok(deliveries)
    }

    async fn acknowledge(&mut self, handled: &[u64]) -> Result<(), QueueError> {
        self.connection
            .send(&FromConsumer::Acknowledge(handled.to_vec()))
            .await
    }

    async fn extend_ack(&mut self, _: &[u64]) -> Result<(), QueueError> {
        // Any frame is a sign of life for the broker, which redelivers only after silence.
        self.connection.send(&FromConsumer::Pong).await
    }

    async fn leave(mut self) {
        // The acknowledgements are with the kernel: the broker reads them before the end
        // of the stream.
        let _ = SinkExt::<Bytes>::close(&mut self.connection.writer).await;
    }
}

/// Asks the broker for its groups, and before that to remove one.
pub(super) async fn groups(
    authority: &str,
    secret: Option<&ClusterSecret>,
    removed: Option<&ConsumerGroup>,
) -> Result<Vec<ConsumerGroupStatus>, QueueError> {
    let claim = Claim::Operator {
        removed_group: removed.cloned(),
    };
    let mut connection = BrokerConnection::open(authority, secret, &claim).await?;
    match connection.next().await?.0 {
        ToOperator::Groups(groups) => Ok(groups),
        ToOperator::Rejected { reason } => Err(QueueError::Rejected(reason)),
    }
}

/// A connection to the broker. A dropped call tears no frame, because both halves keep
/// incomplete ones.
struct BrokerConnection {
    reader: FrameReader,
    writer: FrameWriter,
    /// The time of the last frame. The broker pings each second, so silence means that it
    /// is gone.
    last_received: Instant,
}

impl BrokerConnection {
    async fn open(
        authority: &str,
        secret: Option<&ClusterSecret>,
        claim: &Claim,
    ) -> Result<Self, QueueError> {
        let connect = async {
            let stream = TcpStream::connect(authority).await?;
            let (mut reader, mut writer) = protocol::framed(stream, FrameDecoder::of_peer())?;
            introduce(&mut reader, &mut writer, claim, secret).await?;
            io::Result::Ok(Self {
                reader,
                writer,
                last_received: Instant::now(),
            })
        };
        let failed = |error: io::Error| match error.kind() {
            // The reason of the broker, or that the broker is another one.
            io::ErrorKind::Other => QueueError::Rejected(error.to_string()),
            _ => QueueError::disconnected(error),
        };
        with_timeout(CONNECT_TIMEOUT, connect.map_err(failed)).await
    }

    async fn next<H: DeserializeOwned>(&mut self) -> Result<(H, Bytes), QueueError> {
        // From the last frame, not from now: calls that are cancelled must not extend the limit.
        let next = timeout_at(self.last_received + ACK_WAIT, self.reader.next()).await;
        let frame = next
            .map_err(|_| QueueError::disconnected("the broker sends nothing"))?
            .ok_or_else(|| QueueError::disconnected("the broker closed the connection"))?
            .map_err(QueueError::disconnected)?;
        self.last_received = Instant::now();
        let decoded = decode_frame(&frame.freeze());
        decoded.ok_or_else(|| QueueError::disconnected("cannot decode a frame of the broker"))
    }

    async fn send(&mut self, header: &impl Serialize) -> Result<(), QueueError> {
        let sent = self.writer.send(encode_frame(header, &[]));
        with_timeout(ACK_WAIT, sent.map_err(QueueError::disconnected)).await
    }
}

fn unexpected_frame() -> QueueError {
    QueueError::disconnected("unexpected frame from the broker")
}
