//! A JetStream stream (`nats://…`), with a durable pull consumer for each group.
//!
//! **Acceptance.** A record is accepted once the stream has stored it in a file. It
//! survives a killed server, as far as the operating system writes the file. In a cluster of
//! three servers or more, the stream has three replicas and survives the loss of one. It
//! keeps a record until every consumer has acknowledged it (retention by interest), so
//! nothing is accepted before there is a consumer.
//!
//! **Redelivery.** After [`ACK_WAIT`] without an acknowledgement or an extension.
//!
//! **Bounds.** A stream of [`MAX_QUEUED_RECORDS`] or [`MAX_QUEUED_BYTES`] rejects more.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client,
    jetstream::{
        self, AckKind, Context, Message,
        consumer::{Consumer, pull},
        context::PublishError,
        stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream},
    },
};
use futures_util::StreamExt;
use highwater_nats::create_stream;

use super::{
    Telemetry,
    queue::{
        ACK_WAIT, GroupConsumer, MAX_QUEUED_BYTES, MAX_QUEUED_RECORDS, MAX_UNACKED, PendingPublish,
        PublishOutcome, PublishResult, QueueError, RejectReason, TelemetryDelivery,
        TelemetryProducer, reject_all, with_timeout,
    },
    registry::{BrokerAddress, BrokerProducer},
};
use crate::{
    backplane::nats::connect_to_any,
    id::{ClusterName, ConsumerGroup},
};

/// The time that [`GroupConsumer::poll`] waits.
const POLL_TIMEOUT: Duration = Duration::from_secs(1);
/// The time that an answer of the server may take.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The unacked records of all members of a group together: enough for 300 members with
/// [`MAX_UNACKED`] each.
const MAX_ACK_PENDING: i64 = 20_000;

/// A node's connection to the server.
pub(super) struct NatsProducer {
    context: Context,
    stream: Stream,
    subject: String,
    /// Whether there was a consumer at the last look. Consumers are durable, so once is
    /// enough.
    has_group: bool,
}

impl BrokerProducer for NatsProducer {}

impl TelemetryProducer for NatsProducer {
    type Address = BrokerAddress;

    async fn connect(address: &BrokerAddress) -> Result<Self, QueueError> {
        let (_, context, stream) = open(address, "telemetry of a node").await?;
        Ok(Self {
            context,
            stream,
            subject: subject(&address.cluster),
            has_group: false,
        })
    }

    async fn publish(
        &mut self,
        records: Vec<PendingPublish>,
        results: &mut Vec<PublishResult>,
    ) -> Result<(), QueueError> {
        if !self.has_group {
            let info = self.stream.info().await.map_err(QueueError::disconnected)?;
            self.has_group = info.state.consumer_count > 0;
        }
        if !self.has_group {
            results.extend(reject_all(&records, RejectReason::NoConsumerGroup));
            return Ok(());
        }
        let mut in_flight = Vec::with_capacity(records.len());
        for PendingPublish { sequence, payload } in records {
            let sent = self.context.publish(self.subject.clone(), payload).await;
            in_flight.push((sequence, sent.map_err(QueueError::disconnected)?));
        }
        // All are sent before the first answer is awaited, so that a batch costs one round
        // trip.
        for (sequence, stored) in in_flight {
            let outcome = match stored.await {
                Ok(_) => PublishOutcome::Accepted,
                Err(error) if is_full(&error) => PublishOutcome::Rejected(RejectReason::Full),
                Err(error) => return Err(QueueError::disconnected(error)),
            };
            results.push(PublishResult { sequence, outcome });
        }
        Ok(())
    }
}

/// A consumer's connection to the server.
pub(super) struct NatsConsumer {
    client: Client,
    consumer: Consumer<pull::Config>,
}

impl GroupConsumer for NatsConsumer {
    type Address = BrokerAddress;
    type Receipt = Arc<Message>;

    async fn join(
        address: &BrokerAddress,
        group: &ConsumerGroup,
        name: &str,
    ) -> Result<Self, QueueError> {
        let (client, _, stream) = open(address, name).await?;
        // A dot would split the consumer's name in a subject.
        let durable = group.as_str().replace('.', "_");
        let config = pull::Config {
            durable_name: Some(durable.clone()),
            ack_wait: ACK_WAIT,
            max_ack_pending: MAX_ACK_PENDING,
            ..pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer(&durable, config).await;
        Ok(Self {
            client,
            consumer: consumer.map_err(QueueError::disconnected)?,
        })
    }

    async fn poll(&mut self) -> Result<Vec<TelemetryDelivery<Arc<Message>>>, QueueError> {
        // The client library waits forever for a batch whose request was lost with a connection.
        with_timeout(POLL_TIMEOUT + RESPONSE_TIMEOUT, self.fetch()).await
    }

    async fn acknowledge(&mut self, handled: &[Arc<Message>]) -> Result<(), QueueError> {
        ack_all(handled, AckKind::Ack).await
    }

    async fn extend_ack(&mut self, unacked: &[Arc<Message>]) -> Result<(), QueueError> {
        ack_all(unacked, AckKind::Progress).await
    }

    async fn leave(self) {
        // The client library only queues acknowledgements.
        let _ = self.client.flush().await;
    }
}

impl NatsConsumer {
    /// Returns the records that are ready, or waits for the first one.
    async fn fetch(&mut self) -> Result<Vec<TelemetryDelivery<Arc<Message>>>, QueueError> {
        let ready = self.consumer.fetch().max_messages(MAX_UNACKED).messages();
        let mut ready = ready.await.map_err(QueueError::disconnected)?;
        let mut deliveries = Vec::new();
        while let Some(message) = ready.next().await {
            deliveries.push(delivery(message.map_err(QueueError::disconnected)?)?);
        }
        if !deliveries.is_empty() {
            return Ok(deliveries);
        }
        // Only one: a request for more would hold the first record back until it expires.
        let next = self.consumer.batch().max_messages(1).expires(POLL_TIMEOUT);
        let mut next = next.messages().await.map_err(QueueError::disconnected)?;
        while let Some(message) = next.next().await {
            deliveries.push(delivery(message.map_err(QueueError::disconnected)?)?);
        }
        Ok(deliveries)
    }
}

async fn ack_all(messages: &[Arc<Message>], kind: AckKind) -> Result<(), QueueError> {
    for message in messages {
        let acked = message.ack_with(kind).await;
        acked.map_err(QueueError::disconnected)?;
    }
    Ok(())
}

fn delivery(message: Message) -> Result<TelemetryDelivery<Arc<Message>>, QueueError> {
    let delivered = message.info().map_err(QueueError::disconnected)?.delivered;
    Ok(TelemetryDelivery {
        telemetry: Telemetry::decode(&message.payload),
        redelivered: delivered > 1,
        receipt: Arc::new(message),
    })
}

async fn open(
    address: &BrokerAddress,
    name: &str,
) -> Result<(Client, Context, Stream), QueueError> {
    let client = connect_to_any(&address.servers, name).await;
    let client = client.map_err(QueueError::Disconnected)?;
    let mut context = jetstream::new(client.clone());
    context.set_timeout(RESPONSE_TIMEOUT);
    let name = format!("highwater-{}-telemetry", address.cluster);
    if let Ok(stream) = context.get_stream(&name).await {
        return Ok((client, context, stream));
    }
    let config = Config {
        name,
        subjects: vec![subject(&address.cluster)],
        // A record is removed once every group has acknowledged it.
        retention: RetentionPolicy::Interest,
        storage: StorageType::File,
        // The other policy would drop the oldest records, which were accepted.
        discard: DiscardPolicy::New,
        max_messages: MAX_QUEUED_RECORDS as i64,
        max_bytes: MAX_QUEUED_BYTES as i64,
        ..Config::default()
    };
    let stream = create_stream(&context, config).await;
    let stream = stream.map_err(QueueError::disconnected)?;
    Ok((client, context, stream))
}

fn subject(cluster: &ClusterName) -> String {
    format!("highwater.{cluster}.telemetry")
}

/// Whether the stream is full. The server has no error code for it, only the texts
/// "maximum messages exceeded" and "maximum bytes exceeded".
fn is_full(error: &PublishError) -> bool {
    error.to_string().contains("exceeded")
}
