//! The membership table in RabbitMQ: compare-and-set at a broker that has only queues.
//!
//! The table is the one message of a durable queue. A reader acquires it by receiving it:
//! the broker delivers the message to one reader at a time. The reader releases it by
//! closing its channel. If the reader's connection ends, the broker returns the message to
//! the queue and delivers it to the next reader.
//!
//! A reader that has acquired the table may thus compare and replace it. One transaction
//! publishes the new table and acknowledges the old one. The queue's limit of one message
//! drops the old table if the broker dies within the transaction.
//!
//! The first table has no predecessor to acquire. Its writer holds the cluster's lock: an
//! exclusive queue, which ends with the writer's connection. A writer that dies between
//! the declaration and the first message leaves an empty queue without readers, and the
//! next writer fills it.

use std::{result::Result as StdResult, time::Duration};

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
    connection::close_channel,
    error::{is_locked, is_not_found},
    names::AmqpNames,
};
use crate::backplane::remote::{StoredTable, TransportError};

/// The time that a reader waits before it checks whether the queue is empty.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// The number of checks. A reader keeps the table for one or two round trips. One that
/// was paused keeps it until the broker misses its heartbeats, which is longer than this.
const MAX_POLLS: u32 = 15;
/// The delivery mode of a message that the broker writes to disk.
const PERSISTENT: u8 = 2;

/// The result of acquiring the table.
enum AcquireResult {
    /// The queue does not exist.
    NoQueue,
    /// The queue exists and has no table.
    Empty,
    /// The table, held until it is released.
    Table(Box<AcquiredTable>),
}

/// The table, received from its queue.
struct AcquiredTable {
    channel: Channel,
    /// Held, so that the broker counts this reader.
    _reader: Consumer,
    delivery: Delivery,
}

/// Loads the table.
pub(super) async fn load(
    connection: &Connection,
    names: &AmqpNames,
) -> StdResult<Option<StoredTable>, TransportError> {
    let AcquireResult::Table(acquired) = acquire(connection, names).await? else {
        return Ok(None);
    };
    let stored = StoredTable {
        revision: acquired.revision(),
        table: Bytes::copy_from_slice(&acquired.delivery.data),
    };
    acquired.release().await.map_err(TransportError::broken)?;
    Ok(Some(stored))
}

/// Stores `table`, if the stored one has the expected revision.
pub(super) async fn store(
    connection: &Connection,
    names: &AmqpNames,
    expected_revision: Option<u64>,
    table: &[u8],
) -> StdResult<bool, TransportError> {
    match (acquire(connection, names).await?, expected_revision) {
        (AcquireResult::Table(acquired), Some(revision)) if acquired.revision() == revision => {
            let replaced = acquired.replace(names, table).await;
            replaced.map_err(TransportError::broken)?;
            Ok(true)
        }
        (AcquireResult::Table(acquired), _) => {
            acquired.release().await.map_err(TransportError::broken)?;
            Ok(false)
        }
        (AcquireResult::NoQueue | AcquireResult::Empty, Some(_)) => Ok(false),
        (AcquireResult::NoQueue | AcquireResult::Empty, None) => {
            let created = create_table(connection, names, table).await;
            created.map_err(TransportError::broken)
        }
    }
}

async fn acquire(
    connection: &Connection,
    names: &AmqpNames,
) -> StdResult<AcquireResult, TransportError> {
    // A channel of its own: closing it releases the table, and an error closes it.
    let channel = connection.create_channel().await;
    let channel = channel.map_err(TransportError::broken)?;
    match try_acquire(&channel, names).await {
        Ok(Some((reader, delivery))) => Ok(AcquireResult::Table(Box::new(AcquiredTable {
            channel,
            _reader: reader,
            delivery,
        }))),
        Ok(None) => {
            let closed = close_channel(&channel).await;
            closed.map_err(TransportError::broken)?;
            Ok(AcquireResult::Empty)
        }
        Err(AcquireError::NoQueue) => Ok(AcquireResult::NoQueue),
        Err(AcquireError::Broken(error)) => Err(TransportError::broken(error)),
        Err(AcquireError::HeldElsewhere) => Err(TransportError::broken(
            "cannot read the membership table: another node holds it",
        )),
    }
}

/// A reason why the table was not acquired.
enum AcquireError {
    NoQueue,
    /// Another reader has the table and does not release it.
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

/// Waits for the table. Returns `None` when the queue is empty and has no other reader.
async fn try_acquire(
    channel: &Channel,
    names: &AmqpNames,
) -> StdResult<Option<(Consumer, Delivery)>, AcquireError> {
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let queue = names.membership_table.clone();
    let consuming = channel.basic_consume(queue, "".into(), options, FieldTable::default());
    let mut reader = consuming.await?;
    for _ in 0..MAX_POLLS {
        match timeout(POLL_INTERVAL, reader.next()).await {
            Ok(Some(delivery)) => return Ok(Some((reader, delivery?))),
            // The queue was deleted meanwhile, by hand.
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

/// Returns the counts of waiting messages and of readers. An error closes the channel.
async fn inspect_queue(channel: &Channel, queue: &ShortString) -> Result<Queue> {
    // A passive declaration only looks the queue up.
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
        // 0 for a message that was published by hand: no revision of ours equals it.
        revision(&self.delivery).unwrap_or(0)
    }

    async fn release(self) -> Result<()> {
        close_channel(&self.channel).await
    }

    async fn replace(self, names: &AmqpNames, table: &[u8]) -> Result<()> {
        let old = Some(self.delivery.delivery_tag);
        publish_table(&self.channel, names, old, table).await?;
        close_channel(&self.channel).await
    }
}

/// Declares the queue and publishes the first table, unless another node does.
async fn create_table(connection: &Connection, names: &AmqpNames, table: &[u8]) -> Result<bool> {
    let channel = connection.create_channel().await?;
    if !try_lock(&channel, names).await? {
        return Ok(false);
    }
    let found = channel
        .queue_declare(names.membership_table.clone(), durable(), arguments())
        .await?;
    // Checked under the lock: another node may have created the table since it was
    // found missing.
    let is_empty = found.message_count() == 0 && found.consumer_count() == 0;
    if is_empty {
        publish_table(&channel, names, None, table).await?;
    }
    let lock = names.membership_lock.clone();
    channel
        .queue_delete(lock, QueueDeleteOptions::default())
        .await?;
    close_channel(&channel).await?;
    Ok(is_empty)
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

/// Publishes a table and acknowledges the `old` one, in one transaction.
async fn publish_table(
    channel: &Channel,
    names: &AmqpNames,
    old: Option<u64>,
    table: &[u8],
) -> Result<()> {
    channel.tx_select().await?;
    // Random, because there is no counter that survives the loss of the queue.
    let revision: u64 = rand::random();
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_message_id(revision.to_string().into());
    let options = BasicPublishOptions::default();
    let queue = names.membership_table.clone();
    let publishing = channel.basic_publish("".into(), queue, options, table, properties);
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
        // The older one of two tables goes.
        ("x-overflow", AMQPValue::LongString("drop-head".into())),
    ] {
        arguments.insert(key.into(), value);
    }
    arguments
}
