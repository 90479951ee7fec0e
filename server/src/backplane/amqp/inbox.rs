//! A node's queue, and who reads it.

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

/// Messages that may wait in the queue.
const QUEUE_MESSAGES: u32 = 16_384;
/// Bytes that may wait in the queue.
const QUEUE_BYTES: u32 = 16 * 1024 * 1024;
/// How long the broker keeps a queue that nobody reads: far longer than a lease,
/// since removing queues is the survivors' task.
const EXPIRES_MS: u32 = 60_000;
/// Messages that may be on their way to the node, or wait for their turn in it.
const PREFETCH: u16 = 256;
/// Messages that are acknowledged together when many come.
const ACK_BATCH: usize = 64;

/// Creates the queue `name` and starts to read it. What is sent to it, or to
/// everyone, after this returns arrives.
pub(super) async fn open(
    channel: &Channel,
    names: &AmqpNames,
    name: &ShortString,
) -> Result<Consumer> {
    // Servers of version 4 and later advise against queues that neither last nor
    // belong to one connection. This one may last: `x-expires` ends it.
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
        exclusive: true,
        ..BasicConsumeOptions::default()
    };
    channel
        .basic_consume(name.clone(), "".into(), options, FieldTable::default())
        .await
}

/// Has the queue get what `exchange` gets with this routing key.
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

/// Hands what comes to `arrivals`, until the connection or the queue ends.
pub(super) async fn read_deliveries(
    mut queue: Consumer,
    channel: Channel,
    topics: ShortString,
    everyone: ShortString,
    arrivals: InboundSender,
) {
    let mut unacknowledged = UnackedDeliveries::default();
    loop {
        // Acknowledged when enough have come, and before waiting for more.
        let next = match queue.next().now_or_never() {
            Some(next) if unacknowledged.count < ACK_BATCH => next,
            next => {
                if let Err(error) = unacknowledged.acknowledge(&channel).await {
                    return arrivals.close(TransportError::broken(error));
                }
                match next {
                    Some(next) => next,
                    None => queue.next().await,
                }
            }
        };
        match next {
            Some(Ok(delivery)) => {
                unacknowledged.add(delivery.delivery_tag);
                if let Some(arrived) = inbound_frame(delivery, &topics, &everyone) {
                    arrivals.push(arrived);
                }
            }
            Some(Err(error)) => return arrivals.close(TransportError::broken(error)),
            None => return arrivals.close(TransportError::broken("the node's queue is gone")),
        }
    }
}

#[derive(Default)]
struct UnackedDeliveries {
    count: usize,
    last: u64,
}

impl UnackedDeliveries {
    fn add(&mut self, tag: u64) {
        self.count += 1;
        self.last = tag;
    }

    async fn acknowledge(&mut self, channel: &Channel) -> Result<()> {
        if self.count > 0 {
            self.count = 0;
            let all_before = BasicAckOptions { multiple: true };
            channel.basic_ack(self.last, all_before).await?;
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
        // Somebody else may publish there what is no topic of ours.
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
