//! The queue of a node's inbox, and its reader.

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use lapin::{
    Channel, Consumer, Result,
    message::Delivery,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable, ShortString},
};

use super::{connection::queue_arguments, names::AmqpNames};
use crate::backplane::remote::{InboundFrame, InboundSender, TransportError};

/// The messages that may wait in the queue.
const QUEUE_MESSAGES: u32 = 16_384;
/// The bytes that may wait in the queue.
const QUEUE_BYTES: u32 = 16 * 1024 * 1024;
/// The time for which the broker keeps a queue without a reader. It is far longer than a
/// lease, because survivors remove queues normally.
const EXPIRES_MS: u32 = 60_000;
/// The unacknowledged messages that may be in flight to the node, or wait in it.
const PREFETCH: u16 = 256;
/// The messages that are acknowledged together when many arrive.
const ACK_BATCH: usize = 64;

/// Creates the queue `name` and starts to read it.
///
/// The queue receives everything that is sent to it or to everyone after this returns.
pub(super) async fn open(
    channel: &Channel,
    names: &AmqpNames,
    name: &ShortString,
) -> Result<Consumer> {
    // RabbitMQ 4 and later advise against queues that are neither durable nor exclusive.
    // A durable queue may outlive its connection: `x-expires` ends it.
    let durable = QueueDeclareOptions::durable();
    let mut arguments = queue_arguments(QUEUE_MESSAGES);
    arguments.insert(
        "x-max-length-bytes".into(),
        AMQPValue::LongUInt(QUEUE_BYTES),
    );
    arguments.insert("x-expires".into(), AMQPValue::LongUInt(EXPIRES_MS));
    channel
        .queue_declare(name.clone(), durable, arguments)
        .await?;
    bind(channel, name, &names.everyone, "".into()).await?;
    let qos = BasicQosOptions::default();
    channel.basic_qos(PREFETCH, qos).await?;
    let options = BasicConsumeOptions {
        // The only reader: two processes with one inbox would be a fault.
        exclusive: true,
        ..BasicConsumeOptions::default()
    };
    channel
        .basic_consume(name.clone(), "".into(), options, FieldTable::default())
        .await
}

/// Binds the queue to `exchange` for this routing key.
pub(super) async fn bind(
    channel: &Channel,
    name: &ShortString,
    exchange: &ShortString,
    key: ShortString,
) -> Result<()> {
    let options = QueueBindOptions::default();
    let (queue, exchange) = (name.clone(), exchange.clone());
    let binding = channel.queue_bind(queue, exchange, key, options, FieldTable::default());
    binding.await
}

/// Moves deliveries to `inbound` until the connection or the queue ends.
pub(super) async fn read_deliveries(
    mut queue: Consumer,
    channel: Channel,
    topics: ShortString,
    everyone: ShortString,
    inbound: InboundSender,
) {
    let (mut unacked, mut last_tag) = (0, 0);
    loop {
        // Acknowledged when a batch is full, and before waiting: a broker with unacknowledged
        // messages at its limit would deliver no more.
        let waiting = queue.next().now_or_never();
        if unacked > 0 && (waiting.is_none() || unacked >= ACK_BATCH) {
            unacked = 0;
            // `multiple` acknowledges all deliveries up to this one.
            let options = BasicAckOptions { multiple: true };
            if let Err(error) = channel.basic_ack(last_tag, options).await {
                return inbound.close(error.into());
            }
        }
        let next = match waiting {
            Some(next) => next,
            None => queue.next().await,
        };
        match next {
            Some(Ok(delivery)) => {
                unacked += 1;
                last_tag = delivery.delivery_tag;
                if let Some(frame) = inbound_frame(delivery, &topics, &everyone) {
                    inbound.push(frame);
                }
            }
            Some(Err(error)) => return inbound.close(error.into()),
            None => return inbound.close(TransportError::broken("the node's queue was deleted")),
        }
    }
}

fn inbound_frame(
    delivery: Delivery,
    topics: &ShortString,
    everyone: &ShortString,
) -> Option<InboundFrame> {
    let frame = Bytes::from(delivery.data);
    if delivery.exchange == *topics {
        // Other programs may publish to the exchange, with keys that are not topics.
        let topic = delivery.routing_key.as_str().parse().ok()?;
        return Some(InboundFrame::Topic(topic, frame));
    }
    Some(if delivery.exchange == *everyone {
        InboundFrame::Everyone(frame)
    } else {
        InboundFrame::Inbox(frame)
    })
}
