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

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, Consumer,
    message::Delivery,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
        QueueDeclareOptions, QueueDeleteOptions,
    },
    types::{FieldTable, ShortString},
};
use tokio::time::timeout;

use super::{
    connection::{close_channel, queue_arguments},
    error::{is_locked, is_not_found},
    names::AmqpNames,
};
use crate::backplane::remote::{StoredTable, TransportError, TransportResult};

/// The time that a reader waits before it checks whether the queue is empty.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// The number of checks. A reader keeps the table for one or two round trips. One that
/// was paused keeps it until the broker misses its heartbeats, which is longer than this.
const MAX_POLLS: u32 = 15;
/// The delivery mode of a message that the broker writes to disk.
const PERSISTENT: u8 = 2;

/// The table, received from its queue and held until its channel is closed.
struct AcquiredTable {
    channel: Channel,
    /// Held, so that the broker counts this reader.
    _reader: Consumer,
    delivery: Box<Delivery>,
}

/// The result of waiting for the table.
enum WaitResult {
    Table(Consumer, Box<Delivery>),
    /// The queue exists, has no table and no other reader.
    Empty,
    /// Another reader has the table and does not release it.
    HeldElsewhere,
}

/// Loads the table.
pub(super) async fn load(
    connection: &Connection,
    names: &AmqpNames,
) -> TransportResult<Option<StoredTable>> {
    let Some(acquired) = acquire(connection, names).await? else {
        return Ok(None);
    };
    let stored = StoredTable {
        revision: acquired.revision(),
        table: Bytes::copy_from_slice(&acquired.delivery.data),
    };
    close_channel(&acquired.channel).await?;
    Ok(Some(stored))
}

/// Stores `table`, if the stored one has the expected revision.
pub(super) async fn store(
    connection: &Connection,
    names: &AmqpNames,
    expected_revision: Option<u64>,
    table: &[u8],
) -> TransportResult<bool> {
    let Some(acquired) = acquire(connection, names).await? else {
        return match expected_revision {
            Some(_) => Ok(false),
            None => Ok(create_table(connection, names, table).await?),
        };
    };
    let is_expected = expected_revision == Some(acquired.revision());
    if is_expected {
        let old = Some(acquired.delivery.delivery_tag);
        publish_table(&acquired.channel, names, old, table).await?;
    }
    close_channel(&acquired.channel).await?;
    Ok(is_expected)
}

/// Acquires the table, or returns `None` without a table.
async fn acquire(
    connection: &Connection,
    names: &AmqpNames,
) -> TransportResult<Option<AcquiredTable>> {
    // A channel of its own: closing it releases the table, and an error closes it.
    let channel = connection.create_channel().await?;
    match wait_for_table(&channel, &names.membership_table).await {
        Ok(WaitResult::Table(reader, delivery)) => Ok(Some(AcquiredTable {
            channel,
            _reader: reader,
            delivery,
        })),
        Ok(WaitResult::Empty) => {
            close_channel(&channel).await?;
            Ok(None)
        }
        Ok(WaitResult::HeldElsewhere) => Err(TransportError::broken(
            "cannot read the membership table: another node holds it",
        )),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn wait_for_table(channel: &Channel, queue: &ShortString) -> lapin::Result<WaitResult> {
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    let consuming = channel.basic_consume(queue.clone(), "".into(), options, arguments);
    let mut reader = consuming.await?;
    for _ in 0..MAX_POLLS {
        match timeout(POLL_INTERVAL, reader.next()).await {
            Ok(Some(delivery)) => return Ok(WaitResult::Table(reader, Box::new(delivery?))),
            // The queue was deleted meanwhile, by hand.
            Ok(None) => return Ok(WaitResult::Empty),
            Err(_) => {}
        }
        // A passive declaration only looks the queue up.
        let passive = QueueDeclareOptions::default().passive();
        let declaring = channel.queue_declare(queue.clone(), passive, FieldTable::default());
        let found = declaring.await?;
        // The one reader is this one. With another one, the table may be on its way to it.
        if found.message_count() == 0 && found.consumer_count() == 1 {
            return Ok(WaitResult::Empty);
        }
    }
    Ok(WaitResult::HeldElsewhere)
}

impl AcquiredTable {
    fn revision(&self) -> u64 {
        let id: Option<&ShortString> = self.delivery.properties.message_id().as_ref();
        // 0 for a message that was published by hand: no revision of ours equals it.
        id.and_then(|id| id.as_str().parse().ok()).unwrap_or(0)
    }
}

/// Declares the queue and publishes the first table, unless another node does.
async fn create_table(
    connection: &Connection,
    names: &AmqpNames,
    table: &[u8],
) -> lapin::Result<bool> {
    let channel = connection.create_channel().await?;
    let (queue, lock) = (
        names.membership_table.clone(),
        names.membership_lock.clone(),
    );
    let exclusive = QueueDeclareOptions::exclusive();
    match channel
        .queue_declare(lock.clone(), exclusive, FieldTable::default())
        .await
    {
        Ok(_) => {}
        // Another node creates the table, so the caller loads it then.
        Err(error) if is_locked(&error) => return Ok(false),
        Err(error) => return Err(error),
    }
    let durable = QueueDeclareOptions::durable();
    // One message: the older one of two tables is dropped.
    let found = channel
        .queue_declare(queue, durable, queue_arguments(1))
        .await?;
    // Checked under the lock: another node may have created the table since it was
    // found missing.
    let is_empty = found.message_count() == 0 && found.consumer_count() == 0;
    if is_empty {
        publish_table(&channel, names, None, table).await?;
    }
    // The lock is exclusive to the connection, so closing the channel would keep it.
    channel
        .queue_delete(lock, QueueDeleteOptions::default())
        .await?;
    close_channel(&channel).await?;
    Ok(is_empty)
}

/// Publishes a table and acknowledges the `old` one, in one transaction.
async fn publish_table(
    channel: &Channel,
    names: &AmqpNames,
    old: Option<u64>,
    table: &[u8],
) -> lapin::Result<()> {
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
