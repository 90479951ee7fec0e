//! The embedded broker's queue (`local://HOST:PORT`).
//!
//! The broker stores nothing. A reading is settled once every group has handled it;
//! until then the node has custody, and brings it again when the broker or the
//! connection was gone. So nothing that a device was told is accepted depends on the
//! broker's life. What was under way when the broker died is handled twice at most.
//!
//! Groups are remembered by the broker and by every node: they are forgotten only when
//! all of them have ended.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt, TryFutureExt};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

use super::{
    Telemetry,
    local_protocol::{FromConsumer, FromProducer, ToConsumer, ToProducer},
    queue::{
        ACK_WAIT, GroupConsumer, MAX_UNACKED, PendingPublish, PublishResult, QueueError,
        TelemetryDelivery, TelemetryProducer, with_timeout,
    },
};
use crate::{
    backplane::{
        decode_frame, encode_frame,
        local_protocol::{self, FrameReader, FrameWriter, PROTOCOL_VERSION, ToBroker},
    },
    id::ConsumerGroup,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long [`Member::take`] waits.
const POLL_TIMEOUT: Duration = Duration::from_secs(1);

/// Where the broker is, and which groups are known of: they outlive a connection.
#[derive(Clone)]
pub(super) struct LocalAddress {
    authority: String,
    groups: Arc<Mutex<BTreeSet<ConsumerGroup>>>,
}

impl LocalAddress {
    pub(super) fn new(authority: String) -> Self {
        Self {
            authority,
            groups: Arc::default(),
        }
    }

    fn groups(&self) -> MutexGuard<'_, BTreeSet<ConsumerGroup>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A node's connection to the broker, for readings alone.
pub(super) struct LocalProducer {
    connection: BrokerConnection,
    address: LocalAddress,
}

impl TelemetryProducer for LocalProducer {
    type Address = LocalAddress;

    async fn connect(address: &LocalAddress) -> Result<Self, QueueError> {
        let hello = ToBroker::Produce {
            protocol: PROTOCOL_VERSION,
            groups: address.groups().iter().cloned().collect(),
        };
        let mut producer = Self {
            connection: BrokerConnection::open(&address.authority, &hello).await?,
            address: address.clone(),
        };
        match producer.connection.next().await? {
            (ToProducer::Groups(groups), _) => producer.address.groups().extend(groups),
            (ToProducer::Rejected { reason }, _) => return Err(QueueError::Rejected(reason)),
            _ => return Err(unexpected_frame()),
        }
        Ok(producer)
    }

    async fn publish(
        &mut self,
        parcels: Vec<PendingPublish>,
        _: &mut Vec<PublishResult>,
    ) -> Result<(), QueueError> {
        let frames = parcels.into_iter().map(
            |PendingPublish {
                 sequence: number,
                 payload,
             }| encode_frame(&FromProducer::Publish { sequence: number }, &payload),
        );
        let written = local_protocol::write_batch(&mut self.connection.writer, frames);
        // A broker that hangs takes nothing, and nobody listens for its silence now.
        with_timeout(ACK_WAIT, written.map_err(QueueError::disconnected)).await
    }

    async fn next_results(&mut self) -> Result<Vec<PublishResult>, QueueError> {
        loop {
            match self.connection.next().await?.0 {
                ToProducer::PublishResults(settled) => {
                    let settled = settled.into_iter();
                    return Ok(settled
                        .map(|(number, outcome)| PublishResult {
                            sequence: number,
                            outcome,
                        })
                        .collect());
                }
                ToProducer::Groups(groups) => self.address.groups().extend(groups),
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
        let hello = ToBroker::Consume {
            protocol: PROTOCOL_VERSION,
            group: group.clone(),
            name: name.to_owned(),
        };
        let mut link = BrokerConnection::open(&address.authority, &hello).await?;
        match link.next().await?.0 {
            ToConsumer::Joined => Ok(Self { connection: link }),
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
                // Only what has arrived already.
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
        self.connection.send(&FromConsumer::Pong).await
    }

    async fn leave(mut self) {
        // Everything sent is with the kernel, and read before the end of the stream.
        let _ = SinkExt::<Bytes>::close(&mut self.connection.writer).await;
    }
}

/// A connection to the broker. Whatever is dropped while it waits, no frame is torn:
/// both halves keep what is incomplete.
struct BrokerConnection {
    reader: FrameReader,
    writer: FrameWriter,
    /// The broker pings each second: without a word from it, it is gone.
    last_received: Instant,
}

impl BrokerConnection {
    async fn open(authority: &str, hello: &ToBroker) -> Result<Self, QueueError> {
        let connect = async {
            let stream = TcpStream::connect(authority).await?;
            let (reader, mut writer) = local_protocol::framed(stream)?;
            writer.send(encode_frame(hello, &[])).await?;
            io::Result::Ok(Self {
                reader,
                writer,
                last_received: Instant::now(),
            })
        };
        match timeout(CONNECT_TIMEOUT, connect).await {
            Ok(link) => link.map_err(QueueError::disconnected),
            Err(elapsed) => Err(QueueError::disconnected(elapsed)),
        }
    }

    async fn next<H: DeserializeOwned>(&mut self) -> Result<(H, Bytes), QueueError> {
        let next = timeout_at(self.last_received + ACK_WAIT, self.reader.next()).await;
        let frame = next
            .map_err(|_| QueueError::Disconnected("the broker is silent".to_owned()))?
            .ok_or_else(|| QueueError::Disconnected("the broker closed the connection".to_owned()))?
            .map_err(QueueError::disconnected)?;
        self.last_received = Instant::now();
        decode_frame(&frame.freeze())
            .ok_or_else(|| QueueError::Disconnected("a frame that is not understood".to_owned()))
    }

    async fn send(&mut self, header: &impl Serialize) -> Result<(), QueueError> {
        let sent = self.writer.send(encode_frame(header, &[]));
        with_timeout(ACK_WAIT, sent.map_err(QueueError::disconnected)).await
    }
}

fn unexpected_frame() -> QueueError {
    QueueError::Disconnected("the broker said something out of turn".to_owned())
}
