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

use super::names::AmqpNames;
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
    let options = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    channel
        .queue_declare(name.clone(), options, arguments())
        .await?;
    bind(channel, name, &names.everyone, "".into()).await?;
    channel
        .basic_qos(PREFETCH, BasicQosOptions::default())
        .await?;
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
    let mut unacked = UnackedDeliveries::default();
    loop {
        // Acknowledged when a batch is full, and before waiting: a broker with unacknowledged
        // messages at its limit would deliver no more.
        let next = match queue.next().now_or_never() {
            Some(next) if unacked.count < ACK_BATCH => next,
            next => {
                if let Err(error) = unacked.acknowledge(&channel).await {
                    return inbound.close(TransportError::broken(error));
                }
                match next {
                    Some(next) => next,
                    None => queue.next().await,
                }
            }
        };
        match next {
            Some(Ok(delivery)) => {
                unacked.add(delivery.delivery_tag);
                if let Some(frame) = inbound_frame(delivery, &topics, &everyone) {
                    inbound.push(frame);
                }
            }
            Some(Err(error)) => return inbound.close(TransportError::broken(error)),
            None => return inbound.close(TransportError::broken("the node's queue is gone")),
        }
    }
}

/// The deliveries since the last acknowledgement.
#[derive(Default)]
struct UnackedDeliveries {
    count: usize,
    last_tag: u64,
}

impl UnackedDeliveries {
    fn add(&mut self, tag: u64) {
        self.count += 1;
        self.last_tag = tag;
    }

    async fn acknowledge(&mut self, channel: &Channel) -> Result<()> {
        if self.count > 0 {
            self.count = 0;
            // `multiple` acknowledges all deliveries up to this one.
            let options = BasicAckOptions { multiple: true };
            channel.basic_ack(self.last_tag, options).await?;
        }
        Ok(())
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

fn arguments() -> FieldTable {
    let mut arguments = FieldTable::default();
    for (key, value) in [
        ("x-queue-type", AMQPValue::LongString("classic".into())),
        ("x-max-length", AMQPValue::LongUInt(QUEUE_MESSAGES)),
        ("x-max-length-bytes", AMQPValue::LongUInt(QUEUE_BYTES)),
        ("x-overflow", AMQPValue::LongString("drop-head".into())),
        ("x-expires", AMQPValue::LongUInt(EXPIRES_MS)),
    ] {
        arguments.insert(key.into(), value);
    }
    arguments
}
