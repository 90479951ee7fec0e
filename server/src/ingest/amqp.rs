//! RabbitMQ (`amqp://…`): a fan-out exchange, and a durable queue for each group.
//!
//! **Acceptance.** A record is accepted once the broker has confirmed it. The broker
//! confirms when the record is on disk in the queue of every group. An accepted record
//! survives a killed broker.
//!
//! **Redelivery.** The broker redelivers unacked records as soon as a consumer's connection
//! ends. If a consumer hangs, its AMQP heartbeats stop and the broker ends the connection.
//!
//! **Bounds.** A queue that holds [`MAX_QUEUED_RECORDS`] or [`MAX_QUEUED_BYTES`] rejects
//! further records. If the queue of one group is full, the record is rejected although the
//! other groups have it. They get it twice if the device sends it again.

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
    Telemetry,
    queue::{
        GroupConsumer, MAX_QUEUED_BYTES, MAX_QUEUED_RECORDS, MAX_UNACKED, PendingPublish,
        PublishOutcome, PublishResult, QueueError, RejectReason, TelemetryDelivery,
        TelemetryProducer,
    },
    registry::{BrokerAddress, BrokerProducer},
};
use crate::{
    backplane::amqp::{AmqpConnection, open_to_any},
    id::{ClusterName, ConsumerGroup},
};

/// The time that [`GroupConsumer::poll`] waits.
const POLL_TIMEOUT: Duration = Duration::from_secs(1);
/// The time that a confirmation may take.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(10);
/// The delivery mode of a message that the broker writes to disk (AMQP 0-9-1).
const PERSISTENT: u8 = 2;
/// The reply code of a close without an error (AMQP 0-9-1).
const SUCCESS: u16 = 200;

/// A node's connection to the broker.
pub(super) struct AmqpProducer {
    _connection: AmqpConnection,
    channel: Channel,
    exchange: ShortString,
}

impl BrokerProducer for AmqpProducer {}

impl TelemetryProducer for AmqpProducer {
    type Address = BrokerAddress;

    async fn connect(address: &BrokerAddress) -> Result<Self, QueueError> {
        let (connection, channel) = open(address, "telemetry of a node").await?;
        // Without this mode the broker gives no result for a record.
        let confirm_mode = channel.confirm_select(ConfirmSelectOptions::default());
        confirm_mode.await?;
        Ok(Self {
            _connection: connection,
            channel,
            exchange: exchange(&address.cluster),
        })
    }

    async fn publish(
        &mut self,
        records: Vec<PendingPublish>,
        results: &mut Vec<PublishResult>,
    ) -> Result<(), QueueError> {
        let mut in_flight = Vec::with_capacity(records.len());
        // Mandatory: the broker returns a record that no queue is bound for.
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        for PendingPublish { sequence, payload } in records {
            let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
            let exchange = self.exchange.clone();
            // A fan-out exchange ignores the routing key.
            let (channel, key) = (&self.channel, "".into());
            let publish = channel.basic_publish(exchange, key, options, &payload, properties);
            in_flight.push((sequence, publish.await?));
        }
        // All records are sent before the first confirmation is awaited, so that a batch
        // costs one round trip.
        for (sequence, confirmation) in in_flight {
            let confirmation = timeout(CONFIRM_TIMEOUT, confirmation).await;
            let outcome = match confirmation.map_err(QueueError::disconnected)?? {
                Confirmation::Ack(None) => PublishOutcome::Accepted,
                // The broker returned the record: no queue is bound to the exchange.
                Confirmation::Ack(Some(_)) => {
                    PublishOutcome::Rejected(RejectReason::NoConsumerGroup)
                }
                // The overflow mode of a full queue, see `declare_queue`.
                Confirmation::Nack(_) => PublishOutcome::Rejected(RejectReason::Full),
                Confirmation::NotRequested => {
                    return Err(QueueError::disconnected("the channel does not confirm"));
                }
            };
            results.push(PublishResult { sequence, outcome });
        }
        Ok(())
    }
}

/// A consumer's connection to the broker.
pub(super) struct AmqpConsumer {
    connection: AmqpConnection,
    channel: Channel,
    deliveries: Consumer,
}

impl GroupConsumer for AmqpConsumer {
    type Address = BrokerAddress;
    /// The delivery tag: a number that grows with each delivery of a channel.
    type Receipt = u64;

    async fn join(
        address: &BrokerAddress,
        group: &ConsumerGroup,
        name: &str,
    ) -> Result<Self, QueueError> {
        let (connection, channel) = open(address, name).await?;
        let queue = declare_queue(&channel, address, group).await?;
        // The prefetch count: the broker sends no more while so many are unacked.
        let qos = BasicQosOptions::default();
        channel.basic_qos(MAX_UNACKED as u16, qos).await?;
        let options = BasicConsumeOptions::default();
        let arguments = FieldTable::default();
        let consume = channel.basic_consume(queue, name.into(), options, arguments);
        let deliveries = consume.await?;
        Ok(Self {
            connection,
            channel,
            deliveries,
        })
    }

    async fn poll(&mut self) -> Result<Vec<TelemetryDelivery<u64>>, QueueError> {
        let mut deliveries = Vec::new();
        while deliveries.len() < MAX_UNACKED {
            let next = if deliveries.is_empty() {
                timeout(POLL_TIMEOUT, self.deliveries.next()).await.ok()
            } else {
                // Takes only deliveries that have arrived already, so that a batch is not
                // delayed.
                self.deliveries.next().now_or_never()
            };
            match next {
                None => break,
                Some(None) => return Err(QueueError::disconnected("the connection ended")),
                Some(Some(delivered)) => deliveries.push(delivery(&delivered?)),
            }
        }
        Ok(deliveries)
    }

    async fn acknowledge(&mut self, handled: &[u64]) -> Result<(), QueueError> {
        let Some(last) = handled.last() else {
            return Ok(());
        };
        // One acknowledgement covers every earlier tag: consumers handle in order.
        let options = BasicAckOptions { multiple: true };
        Ok(self.channel.basic_ack(*last, options).await?)
    }

    /// Does nothing: the client library sends AMQP heartbeats by itself.
    async fn extend_ack(&mut self, _: &[u64]) -> Result<(), QueueError> {
        Ok(())
    }

    async fn leave(self) {
        // A failed close has the same effect: the broker notices that the connection ended.
        let _ = self.connection.close(SUCCESS, "left".into()).await;
    }
}

fn delivery(delivered: &Delivered) -> TelemetryDelivery<u64> {
    TelemetryDelivery {
        telemetry: Telemetry::decode(&delivered.data),
        redelivered: delivered.redelivered,
        receipt: delivered.delivery_tag,
    }
}

/// Declares the queue of a group and binds it to the exchange.
async fn declare_queue(
    channel: &Channel,
    address: &BrokerAddress,
    group: &ConsumerGroup,
) -> lapin::Result<ShortString> {
    let exchange = exchange(&address.cluster);
    let queue: ShortString = format!("{exchange}.{group}").into();
    let mut arguments = FieldTable::default();
    let bounds = [
        ("x-max-length", MAX_QUEUED_RECORDS),
        ("x-max-length-bytes", MAX_QUEUED_BYTES),
    ];
    for (name, max) in bounds {
        let max = AMQPValue::LongLongInt(max as LongLongInt);
        arguments.insert(name.into(), max);
    }
    // The default would drop the oldest records, which were accepted.
    let overflow = AMQPValue::LongString("reject-publish".into());
    arguments.insert("x-overflow".into(), overflow);
    channel
        .queue_declare(queue.clone(), QueueDeclareOptions::durable(), arguments)
        .await?;
    let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
    let bind = channel.queue_bind(queue.clone(), exchange, "".into(), options, arguments);
    bind.await?;
    Ok(queue)
}

/// Connects to the broker and declares the exchange.
async fn open(
    address: &BrokerAddress,
    name: &str,
) -> Result<(AmqpConnection, Channel), QueueError> {
    let connection = open_to_any(&address.servers, name).await;
    let connection = connection.map_err(QueueError::Disconnected)?;
    let channel = connection.create_channel().await?;
    let exchange = exchange(&address.cluster);
    // Durable, so that it exists again after a restart of the broker, with its bound queues.
    let options = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    let (kind, arguments) = (ExchangeKind::Fanout, FieldTable::default());
    channel
        .exchange_declare(exchange, kind, options, arguments)
        .await?;
    Ok((connection, channel))
}

fn exchange(cluster: &ClusterName) -> ShortString {
    format!("highwater.{cluster}.telemetry").into()
}

impl From<lapin::Error> for QueueError {
    fn from(error: lapin::Error) -> Self {
        Self::disconnected(error)
    }
}
