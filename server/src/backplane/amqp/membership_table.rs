//! The roster: compare-and-set at a broker that has queues only.
//!
//! The roster is the one message of a durable queue. To read it is to take it: it
//! is delivered to one reader at a time, which then has it for itself and gives it
//! back by closing its channel. The broker gives it back likewise when the reader's
//! connection ends, at whatever instant, and hands it to the next in line. So
//! whoever has taken it may compare and replace it: a transaction publishes the new
//! and drops the old, and the queue's limit of one message sees to it that the old
//! one does not come back beside the new one even if the broker dies in between.
//!
//! There is nothing to take before the first roster was written. Who writes it
//! first holds the cluster's lock, a queue that belongs to its connection and ends
//! with it. Should it die between the creation of the queue and its first message,
//! the queue has neither message nor other readers, and the next one fills it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, Consumer, Queue, Result,
    message::Delivery,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
        QueueDeclareOptions, QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable, ShortString},
};
use tokio::time::timeout;

use super::{
    error::{broken, is_locked, is_not_found},
    names::AmqpNames,
};
use crate::backplane::remote::{StoredTable, TransportError};

/// How long a reader waits before it looks whether there is anything to wait for.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// How many times it looks. Readers keep the roster for a round trip or two; one
/// that was stopped meanwhile keeps it until the broker misses its heartbeats.
const MAX_POLLS: u32 = 15;
/// The protocol's mark of a message that is written to disk.
const PERSISTENT: u8 = 2;

/// What the queue gave.
enum AcquireResult {
    /// There is no queue.
    NoQueue,
    /// There is a queue, and no roster in it.
    Empty,
    /// Ours until we give it back.
    Table(Box<AcquiredTable>),
}

/// The roster, taken from its queue.
struct AcquiredTable {
    channel: Channel,
    // Held, so that the broker goes on counting this reader.
    _reader: Consumer,
    delivery: Delivery,
}

/// The roster that is kept.
pub(super) async fn load(
    connection: &Connection,
    names: &AmqpNames,
) -> std::result::Result<Option<StoredTable>, TransportError> {
    let AcquireResult::Table(held) = acquire(connection, names).await? else {
        return Ok(None);
    };
    let revision = held.revision();
    let roster = Bytes::copy_from_slice(&held.delivery.data);
    held.release().await.map_err(broken)?;
    Ok(Some(StoredTable {
        revision,
        table: roster,
    }))
}

/// Keeps `roster` in place of the one of revision `instead_of`.
pub(super) async fn store(
    connection: &Connection,
    names: &AmqpNames,
    instead_of: Option<u64>,
    roster: &[u8],
) -> std::result::Result<bool, TransportError> {
    match (acquire(connection, names).await?, instead_of) {
        (AcquireResult::Table(held), Some(revision)) if held.revision() == revision => {
            held.replace(names, roster).await.map_err(broken)?;
            Ok(true)
        }
        (AcquireResult::Table(held), _) => {
            held.release().await.map_err(broken)?;
            Ok(false)
        }
        (AcquireResult::NoQueue | AcquireResult::Empty, Some(_)) => Ok(false),
        (AcquireResult::NoQueue | AcquireResult::Empty, None) => {
            let written = create_table(connection, names, roster).await;
            written.map_err(broken)
        }
    }
}

async fn acquire(
    connection: &Connection,
    names: &AmqpNames,
) -> std::result::Result<AcquireResult, TransportError> {
    let channel = connection.create_channel().await.map_err(broken)?;
    match try_acquire(&channel, names).await {
        Ok(Some((reader, delivery))) => Ok(AcquireResult::Table(Box::new(AcquiredTable {
            channel,
            _reader: reader,
            delivery,
        }))),
        Ok(None) => {
            channel.close(200, "OK".into()).await.map_err(broken)?;
            Ok(AcquireResult::Empty)
        }
        Err(AcquireError::NoQueue) => Ok(AcquireResult::NoQueue),
        Err(AcquireError::Broken(error)) => Err(broken(error)),
        Err(AcquireError::HeldElsewhere) => Err(broken("another node holds the membership table")),
    }
}

/// Why the roster was not taken.
enum AcquireError {
    NoQueue,
    /// Somebody has it and does not give it back.
    HeldElsewhere,
    Broken(lapin::Error),
}

impl From<lapin::Error> for AcquireError {
    fn from(error: lapin::Error) -> Self {
        if is_not_found(&error) {
            return Self::NoQueue;
        }
        Self::Broken(error)
    }
}

/// Waits for the roster. `None` when nobody has it and it is not there either.
async fn try_acquire(
    channel: &Channel,
    names: &AmqpNames,
) -> std::result::Result<Option<(Consumer, Delivery)>, AcquireError> {
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let queue = names.membership_table.clone();
    let consuming = channel.basic_consume(queue, "".into(), options, FieldTable::default());
    let mut reader = consuming.await?;
    for _ in 0..MAX_POLLS {
        match timeout(POLL_INTERVAL, reader.next()).await {
            Ok(Some(delivery)) => return Ok(Some((reader, delivery?))),
            // Deleted by hand while we waited.
            Ok(None) => return Err(AcquireError::NoQueue),
            Err(_) => {}
        }
        let found = inspect_queue(channel, &names.membership_table).await?;
        if found.message_count() == 0 && found.consumer_count() == 1 {
            return Ok(None);
        }
    }
    Err(AcquireError::HeldElsewhere)
}

/// What waits in the queue, and who for. An error closes the channel.
async fn inspect_queue(channel: &Channel, queue: &ShortString) -> Result<Queue> {
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    channel
        .queue_declare(queue.clone(), passive, FieldTable::default())
        .await
}

impl AcquiredTable {
    fn revision(&self) -> u64 {
        revision(&self.delivery).unwrap_or(0)
    }

    async fn release(self) -> Result<()> {
        // Closing a channel gives back what it has taken.
        self.channel.close(200, "OK".into()).await
    }

    async fn replace(self, names: &AmqpNames, roster: &[u8]) -> Result<()> {
        let old = Some(self.delivery.delivery_tag);
        publish_table(&self.channel, names, old, roster).await?;
        self.channel.close(200, "OK".into()).await
    }
}

/// Creates the queue and writes the first roster, unless somebody else does.
async fn create_table(connection: &Connection, names: &AmqpNames, roster: &[u8]) -> Result<bool> {
    let channel = connection.create_channel().await?;
    if !try_lock(&channel, names).await? {
        return Ok(false);
    }
    let found = channel
        .queue_declare(names.membership_table.clone(), durable(), arguments())
        .await?;
    let ours = found.message_count() == 0 && found.consumer_count() == 0;
    if ours {
        publish_table(&channel, names, None, roster).await?;
    }
    let lock = names.membership_lock.clone();
    channel
        .queue_delete(lock, QueueDeleteOptions::default())
        .await?;
    channel.close(200, "OK".into()).await?;
    Ok(ours)
}

async fn try_lock(channel: &Channel, names: &AmqpNames) -> Result<bool> {
    let options = QueueDeclareOptions {
        exclusive: true,
        ..QueueDeclareOptions::default()
    };
    let lock = names.membership_lock.clone();
    match channel
        .queue_declare(lock, options, FieldTable::default())
        .await
    {
        Ok(_) => Ok(true),
        Err(error) if is_locked(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Publishes a roster and drops the `old` one: both or neither.
async fn publish_table(
    channel: &Channel,
    names: &AmqpNames,
    old: Option<u64>,
    roster: &[u8],
) -> Result<()> {
    channel.tx_select().await?;
    let revision: u64 = rand::random();
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_message_id(revision.to_string().into());
    let options = BasicPublishOptions::default();
    let queue = names.membership_table.clone();
    let publishing = channel.basic_publish("".into(), queue, options, roster, properties);
    publishing.await?;
    if let Some(old) = old {
        channel.basic_ack(old, BasicAckOptions::default()).await?;
    }
    channel.tx_commit().await
}

fn revision(delivery: &Delivery) -> Option<u64> {
    let id: Option<&ShortString> = delivery.properties.message_id().as_ref();
    id?.as_str().parse().ok()
}

fn durable() -> QueueDeclareOptions {
    QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    }
}

fn arguments() -> FieldTable {
    let mut arguments = FieldTable::default();
    for (key, value) in [
        ("x-queue-type", AMQPValue::LongString("classic".into())),
        ("x-max-length", AMQPValue::LongUInt(1)),
        ("x-overflow", AMQPValue::LongString("drop-head".into())),
    ] {
        arguments.insert(key.into(), value);
    }
    arguments
}
