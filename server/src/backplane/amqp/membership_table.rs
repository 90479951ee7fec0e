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
    names::Names,
};
use crate::backplane::remote::{CarrierError, Stored};

/// How long a reader waits before it looks whether there is anything to wait for.
const LOOK_AFTER: Duration = Duration::from_millis(200);
/// How many times it looks. Readers keep the roster for a round trip or two; one
/// that was stopped meanwhile keeps it until the broker misses its heartbeats.
const LOOKS: u32 = 15;
/// The protocol's mark of a message that is written to disk.
const PERSISTENT: u8 = 2;

/// What the queue gave.
enum Taken {
    /// There is no queue.
    Nothing,
    /// There is a queue, and no roster in it.
    Empty,
    /// Ours until we give it back.
    Roster(Box<Held>),
}

/// The roster, taken from its queue.
struct Held {
    channel: Channel,
    // Held, so that the broker goes on counting this reader.
    _reader: Consumer,
    delivery: Delivery,
}

/// The roster that is kept.
pub(super) async fn load(
    connection: &Connection,
    names: &Names,
) -> std::result::Result<Option<Stored>, CarrierError> {
    let Taken::Roster(held) = take(connection, names).await? else {
        return Ok(None);
    };
    let revision = held.revision();
    let roster = Bytes::copy_from_slice(&held.delivery.data);
    held.give_back().await.map_err(broken)?;
    Ok(Some(Stored { revision, roster }))
}

/// Keeps `roster` in place of the one of revision `instead_of`.
pub(super) async fn store(
    connection: &Connection,
    names: &Names,
    instead_of: Option<u64>,
    roster: &[u8],
) -> std::result::Result<bool, CarrierError> {
    match (take(connection, names).await?, instead_of) {
        (Taken::Roster(held), Some(revision)) if held.revision() == revision => {
            held.replace(names, roster).await.map_err(broken)?;
            Ok(true)
        }
        (Taken::Roster(held), _) => {
            held.give_back().await.map_err(broken)?;
            Ok(false)
        }
        (Taken::Nothing | Taken::Empty, Some(_)) => Ok(false),
        (Taken::Nothing | Taken::Empty, None) => {
            let written = write_first(connection, names, roster).await;
            written.map_err(broken)
        }
    }
}

async fn take(connection: &Connection, names: &Names) -> std::result::Result<Taken, CarrierError> {
    let channel = connection.create_channel().await.map_err(broken)?;
    match try_take(&channel, names).await {
        Ok(Some((reader, delivery))) => Ok(Taken::Roster(Box::new(Held {
            channel,
            _reader: reader,
            delivery,
        }))),
        Ok(None) => {
            channel.close(200, "OK".into()).await.map_err(broken)?;
            Ok(Taken::Empty)
        }
        Err(Missing::Queue) => Ok(Taken::Nothing),
        Err(Missing::Broken(error)) => Err(broken(error)),
        Err(Missing::Holder) => Err(broken("another node keeps the roster to itself")),
    }
}

/// Why the roster was not taken.
enum Missing {
    Queue,
    /// Somebody has it and does not give it back.
    Holder,
    Broken(lapin::Error),
}

impl From<lapin::Error> for Missing {
    fn from(error: lapin::Error) -> Self {
        if is_not_found(&error) {
            return Self::Queue;
        }
        Self::Broken(error)
    }
}

/// Waits for the roster. `None` when nobody has it and it is not there either.
async fn try_take(
    channel: &Channel,
    names: &Names,
) -> std::result::Result<Option<(Consumer, Delivery)>, Missing> {
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let queue = names.roster.clone();
    let consuming = channel.basic_consume(queue, "".into(), options, FieldTable::default());
    let mut reader = consuming.await?;
    for _ in 0..LOOKS {
        match timeout(LOOK_AFTER, reader.next()).await {
            Ok(Some(delivery)) => return Ok(Some((reader, delivery?))),
            // Deleted by hand while we waited.
            Ok(None) => return Err(Missing::Queue),
            Err(_) => {}
        }
        let found = look(channel, &names.roster).await?;
        if found.message_count() == 0 && found.consumer_count() == 1 {
            return Ok(None);
        }
    }
    Err(Missing::Holder)
}

/// What waits in the queue, and who for. An error closes the channel.
async fn look(channel: &Channel, queue: &ShortString) -> Result<Queue> {
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    channel
        .queue_declare(queue.clone(), passive, FieldTable::default())
        .await
}

impl Held {
    fn revision(&self) -> u64 {
        revision(&self.delivery).unwrap_or(0)
    }

    async fn give_back(self) -> Result<()> {
        // Closing a channel gives back what it has taken.
        self.channel.close(200, "OK".into()).await
    }

    async fn replace(self, names: &Names, roster: &[u8]) -> Result<()> {
        let old = Some(self.delivery.delivery_tag);
        write(&self.channel, names, old, roster).await?;
        self.channel.close(200, "OK".into()).await
    }
}

/// Creates the queue and writes the first roster, unless somebody else does.
async fn write_first(connection: &Connection, names: &Names, roster: &[u8]) -> Result<bool> {
    let channel = connection.create_channel().await?;
    if !lock(&channel, names).await? {
        return Ok(false);
    }
    let found = channel
        .queue_declare(names.roster.clone(), durable(), arguments())
        .await?;
    let ours = found.message_count() == 0 && found.consumer_count() == 0;
    if ours {
        write(&channel, names, None, roster).await?;
    }
    let lock = names.roster_lock.clone();
    channel
        .queue_delete(lock, QueueDeleteOptions::default())
        .await?;
    channel.close(200, "OK".into()).await?;
    Ok(ours)
}

async fn lock(channel: &Channel, names: &Names) -> Result<bool> {
    let options = QueueDeclareOptions {
        exclusive: true,
        ..QueueDeclareOptions::default()
    };
    let lock = names.roster_lock.clone();
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
async fn write(channel: &Channel, names: &Names, old: Option<u64>, roster: &[u8]) -> Result<()> {
    channel.tx_select().await?;
    let revision: u64 = rand::random();
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_message_id(revision.to_string().into());
    let options = BasicPublishOptions::default();
    let queue = names.roster.clone();
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
