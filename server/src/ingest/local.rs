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
    Reading,
    queue::{Delivery, IN_HAND, Member, Parcel, Producer, SILENCE, Settled, WorkError, within},
};
use crate::{
    backplane::{open, seal},
    broker::{
        protocol::{self, PROTOCOL, Reader, ToBroker, Writer},
        work_queue::protocol::{FromConsumer, FromProducer, ToConsumer, ToProducer},
    },
    id::Group,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long [`Member::take`] waits.
const TAKE: Duration = Duration::from_secs(1);

/// Where the broker is, and which groups are known of: they outlive a connection.
#[derive(Clone)]
pub(super) struct LocalAddress {
    authority: String,
    groups: Arc<Mutex<BTreeSet<Group>>>,
}

impl LocalAddress {
    pub(super) fn new(authority: String) -> Self {
        Self {
            authority,
            groups: Arc::default(),
        }
    }

    fn groups(&self) -> MutexGuard<'_, BTreeSet<Group>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A node's connection to the broker, for readings alone.
pub(super) struct LocalProducer {
    link: Link,
    address: LocalAddress,
}

impl Producer for LocalProducer {
    type Address = LocalAddress;

    async fn connect(address: &LocalAddress) -> Result<Self, WorkError> {
        let hello = ToBroker::Produce {
            protocol: PROTOCOL,
            groups: address.groups().iter().cloned().collect(),
        };
        let mut producer = Self {
            link: Link::open(&address.authority, &hello).await?,
            address: address.clone(),
        };
        match producer.link.next().await? {
            (ToProducer::Groups(groups), _) => producer.address.groups().extend(groups),
            (ToProducer::Refused { reason }, _) => return Err(WorkError::Refused(reason)),
            _ => return Err(out_of_turn()),
        }
        Ok(producer)
    }

    async fn submit(
        &mut self,
        parcels: Vec<Parcel>,
        _: &mut Vec<Settled>,
    ) -> Result<(), WorkError> {
        let frames = parcels
            .into_iter()
            .map(|Parcel { number, payload }| seal(&FromProducer::Submit { number }, &payload));
        let written = protocol::write_batch(&mut self.link.writer, frames);
        // A broker that hangs takes nothing, and nobody listens for its silence now.
        within(SILENCE, written.map_err(WorkError::broken)).await
    }

    async fn settled(&mut self) -> Result<Vec<Settled>, WorkError> {
        loop {
            match self.link.next().await?.0 {
                ToProducer::Settled(settled) => {
                    let settled = settled.into_iter();
                    return Ok(settled
                        .map(|(number, outcome)| Settled { number, outcome })
                        .collect());
                }
                ToProducer::Groups(groups) => self.address.groups().extend(groups),
                ToProducer::Ping => self.link.send(&FromProducer::Pong).await?,
                ToProducer::Refused { reason } => return Err(WorkError::Refused(reason)),
            }
        }
    }
}

/// A consumer's connection to the broker.
pub(super) struct LocalMember {
    link: Link,
}

impl Member for LocalMember {
    type Address = LocalAddress;
    type Receipt = u64;

    async fn join(address: &LocalAddress, group: &Group, name: &str) -> Result<Self, WorkError> {
        let hello = ToBroker::Consume {
            protocol: PROTOCOL,
            group: group.clone(),
            name: name.to_owned(),
        };
        let mut link = Link::open(&address.authority, &hello).await?;
        match link.next().await?.0 {
            ToConsumer::Joined => Ok(Self { link }),
            ToConsumer::Refused { reason } => Err(WorkError::Refused(reason)),
            ToConsumer::Delivery { .. } | ToConsumer::Ping => Err(out_of_turn()),
        }
    }

    async fn take(&mut self) -> Result<Vec<Delivery<u64>>, WorkError> {
        let until = Instant::now() + TAKE;
        let mut deliveries = Vec::new();
        while deliveries.len() < IN_HAND {
            let next = if deliveries.is_empty() {
                timeout_at(until, self.link.next()).await.ok()
            } else {
                // Only what has arrived already.
                self.link.next().now_or_never()
            };
            match next.transpose()? {
                None => break,
                Some((
                    ToConsumer::Delivery {
                        receipt,
                        redelivered,
                    },
                    payload,
                )) => deliveries.push(Delivery {
                    reading: Reading::decode(&payload),
                    redelivered,
                    receipt,
                }),
                Some((ToConsumer::Ping, _)) => self.link.send(&FromConsumer::Pong).await?,
                Some((ToConsumer::Refused { reason }, _)) => {
                    return Err(WorkError::Refused(reason));
                }
                Some((ToConsumer::Joined, _)) => return Err(out_of_turn()),
            }
        }
        Ok(deliveries)
    }

    async fn acknowledge(&mut self, handled: &[u64]) -> Result<(), WorkError> {
        self.link
            .send(&FromConsumer::Handled(handled.to_vec()))
            .await
    }

    async fn hold(&mut self, _: &[u64]) -> Result<(), WorkError> {
        self.link.send(&FromConsumer::Pong).await
    }

    async fn leave(mut self) {
        // Everything sent is with the kernel, and read before the end of the stream.
        let _ = SinkExt::<Bytes>::close(&mut self.link.writer).await;
    }
}

/// A connection to the broker. Whatever is dropped while it waits, no frame is torn:
/// both halves keep what is incomplete.
struct Link {
    reader: Reader,
    writer: Writer,
    /// The broker pings each second: without a word from it, it is gone.
    heard: Instant,
}

impl Link {
    async fn open(authority: &str, hello: &ToBroker) -> Result<Self, WorkError> {
        let connect = async {
            let stream = TcpStream::connect(authority).await?;
            let (reader, mut writer) = protocol::frames(stream)?;
            writer.send(seal(hello, &[])).await?;
            io::Result::Ok(Self {
                reader,
                writer,
                heard: Instant::now(),
            })
        };
        match timeout(CONNECT_TIMEOUT, connect).await {
            Ok(link) => link.map_err(WorkError::broken),
            Err(elapsed) => Err(WorkError::broken(elapsed)),
        }
    }

    async fn next<H: DeserializeOwned>(&mut self) -> Result<(H, Bytes), WorkError> {
        let next = timeout_at(self.heard + SILENCE, self.reader.next()).await;
        let frame = next
            .map_err(|_| WorkError::Broken("the broker is silent".to_owned()))?
            .ok_or_else(|| WorkError::Broken("the broker closed the connection".to_owned()))?
            .map_err(WorkError::broken)?;
        self.heard = Instant::now();
        open(&frame.freeze())
            .ok_or_else(|| WorkError::Broken("a frame that is not understood".to_owned()))
    }

    async fn send(&mut self, header: &impl Serialize) -> Result<(), WorkError> {
        let sent = self.writer.send(seal(header, &[]));
        within(SILENCE, sent.map_err(WorkError::broken)).await
    }
}

fn out_of_turn() -> WorkError {
    WorkError::Broken("the broker said something out of turn".to_owned())
}
