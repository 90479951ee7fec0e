//! RabbitMQ (`amqp://…`): a fan-out exchange, and a durable queue for each group.
//!
//! **Custody.** A reading is accepted once the broker has confirmed it: persistent, in
//! the queue of every group. That survives a killed broker.
//!
//! **Redelivery.** At once when a consumer's connection ends, which for a process that
//! hangs the broker finds by heartbeats.
//!
//! **Bounds.** A queue of [`MOST_READINGS`] or [`MOST_BYTES`] rejects more. With several
//! groups one may be full and another not: then the reading is refused and the other
//! group has it already, once more when it is sent again.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use lapin::{
    BasicProperties, Channel, Confirmation, Consumer, ExchangeKind,
    message::Delivery as Delivered,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
        ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable, LongLongInt, ShortString},
};
use tokio::time::timeout;

use super::{
    Reading,
    broker_address::BrokerAddress,
    queue::{
        Delivery, IN_HAND, MOST_BYTES, MOST_READINGS, Member, Outcome, Parcel, Producer, Refusal,
        Settled, WorkError,
    },
};
use crate::{
    backplane::amqp::{AmqpConnection, open_for},
    id::{ClusterName, Group},
};

/// How long [`Member::take`] waits.
const TAKE: Duration = Duration::from_secs(1);
/// How long a confirmation may take.
const ANSWER: Duration = Duration::from_secs(10);
/// A message that is written to disk.
const PERSISTENT: u8 = 2;
/// AMQP's code of an end without a fault.
const SUCCESS: u16 = 200;

/// A node's connection.
pub(super) struct AmqpProducer {
    _connection: AmqpConnection,
    channel: Channel,
    exchange: ShortString,
}

impl Producer for AmqpProducer {
    type Address = BrokerAddress;

    async fn connect(address: &BrokerAddress) -> Result<Self, WorkError> {
        let (connection, channel) = open(address, "readings of a node").await?;
        let confirm = channel.confirm_select(ConfirmSelectOptions::default());
        confirm.await.map_err(WorkError::broken)?;
        Ok(Self {
            _connection: connection,
            channel,
            exchange: exchange(&address.cluster),
        })
    }

    async fn submit(
        &mut self,
        parcels: Vec<Parcel>,
        settled: &mut Vec<Settled>,
    ) -> Result<(), WorkError> {
        let mut under_way = Vec::with_capacity(parcels.len());
        // Given back, when no queue is bound.
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        for Parcel { number, payload } in parcels {
            let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
            let sent = self.channel.basic_publish(
                self.exchange.clone(),
                "".into(),
                options,
                &payload,
                properties,
            );
            under_way.push((number, sent.await.map_err(WorkError::broken)?));
        }
        for (number, confirmed) in under_way {
            let confirmed = timeout(ANSWER, confirmed).await;
            let confirmed = confirmed.map_err(WorkError::broken)?;
            let outcome = match confirmed.map_err(WorkError::broken)? {
                Confirmation::Ack(None) => Outcome::Taken,
                Confirmation::Ack(Some(_)) => Outcome::Refused(Refusal::NoGroup),
                Confirmation::Nack(_) => Outcome::Refused(Refusal::Full),
                Confirmation::NotRequested => {
                    return Err(WorkError::broken("the channel confirms nothing"));
                }
            };
            settled.push(Settled { number, outcome });
        }
        Ok(())
    }
}

/// A consumer's connection.
pub(super) struct AmqpMember {
    connection: AmqpConnection,
    channel: Channel,
    deliveries: Consumer,
}

impl Member for AmqpMember {
    type Address = BrokerAddress;
    /// The delivery's tag. They are acknowledged in order, many at a time.
    type Receipt = u64;

    async fn join(address: &BrokerAddress, group: &Group, name: &str) -> Result<Self, WorkError> {
        let (connection, channel) = open(address, name).await?;
        let queue = declare(&channel, address, group)
            .await
            .map_err(WorkError::broken)?;
        let consume = async {
            let in_hand = IN_HAND as u16;
            channel
                .basic_qos(in_hand, BasicQosOptions::default())
                .await?;
            let options = BasicConsumeOptions::default();
            channel
                .basic_consume(queue, name.into(), options, FieldTable::default())
                .await
        };
        let deliveries = consume.await.map_err(WorkError::broken)?;
        Ok(Self {
            connection,
            channel,
            deliveries,
        })
    }

    async fn take(&mut self) -> Result<Vec<Delivery<u64>>, WorkError> {
        let mut deliveries = Vec::new();
        while deliveries.len() < IN_HAND {
            let next = if deliveries.is_empty() {
                timeout(TAKE, self.deliveries.next()).await.ok()
            } else {
                // Only what has arrived already.
                self.deliveries.next().now_or_never()
            };
            match next {
                None => break,
                Some(None) => return Err(WorkError::broken("the connection ended")),
                Some(Some(delivered)) => {
                    deliveries.push(delivery(&delivered.map_err(WorkError::broken)?));
                }
            }
        }
        Ok(deliveries)
    }

    async fn acknowledge(&mut self, handled: &[u64]) -> Result<(), WorkError> {
        let Some(last) = handled.last() else {
            return Ok(());
        };
        let ack = self
            .channel
            .basic_ack(*last, BasicAckOptions { multiple: true });
        ack.await.map_err(WorkError::broken)
    }

    /// The client library tells the broker by itself that the process lives.
    async fn hold(&mut self, _: &[u64]) -> Result<(), WorkError> {
        Ok(())
    }

    async fn leave(self) {
        let _ = self.connection.close(SUCCESS, "left".into()).await;
    }
}

fn delivery(delivered: &Delivered) -> Delivery<u64> {
    Delivery {
        reading: Reading::decode(&delivered.data),
        redelivered: delivered.redelivered,
        receipt: delivered.delivery_tag,
    }
}

/// The queue of a group, bound from when its first member came.
async fn declare(
    channel: &Channel,
    address: &BrokerAddress,
    group: &Group,
) -> lapin::Result<ShortString> {
    let exchange = exchange(&address.cluster);
    let queue: ShortString = format!("{exchange}.{group}").into();
    let mut arguments = FieldTable::default();
    let bounds = [
        ("x-max-length", MOST_READINGS),
        ("x-max-length-bytes", MOST_BYTES),
    ];
    for (bound, most) in bounds {
        let most = AMQPValue::LongLongInt(most as LongLongInt);
        arguments.insert(bound.into(), most);
    }
    let overflow = AMQPValue::LongString("reject-publish".into());
    arguments.insert("x-overflow".into(), overflow);
    channel
        .queue_declare(queue.clone(), QueueDeclareOptions::durable(), arguments)
        .await?;
    let options = QueueBindOptions::default();
    channel
        .queue_bind(
            queue.clone(),
            exchange,
            "".into(),
            options,
            FieldTable::default(),
        )
        .await?;
    Ok(queue)
}

async fn open(address: &BrokerAddress, name: &str) -> Result<(AmqpConnection, Channel), WorkError> {
    let connection = open_for(&address.server, name).await;
    let connection = connection.map_err(WorkError::Broken)?;
    let opened = async {
        let channel = connection.create_channel().await?;
        let options = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        channel
            .exchange_declare(
                exchange(&address.cluster),
                ExchangeKind::Fanout,
                options,
                FieldTable::default(),
            )
            .await?;
        lapin::Result::Ok(channel)
    };
    let channel = opened.await.map_err(WorkError::broken)?;
    Ok((connection, channel))
}

fn exchange(cluster: &ClusterName) -> ShortString {
    format!("highwater.{cluster}.readings").into()
}
