//! A producer: records to the partitions of the topic.

use std::time::Duration;

use futures_util::future::join_all;
use highwater_types::BrokerUrl;
use rdkafka::{
    ClientConfig,
    config::FromClientConfigAndContext,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{DeliveryFuture, FutureProducer, FutureRecord},
};
use tokio::{runtime::Handle, task::spawn_blocking};

use super::{
    super::{
        queue::{
            MAX_QUEUED_RECORDS, PendingPublish, PublishOutcome, PublishResult, QueueError,
            RejectReason, TelemetryProducer, reject_all,
        },
        registry::{BrokerAddress, BrokerProducer},
    },
    queue_watch::QueueWatch,
    settings::{KafkaLog, check_url, client_config, topic_name},
};
use crate::net::broker_location::UrlRejection;

/// The time that an acceptance may take, repeated attempts included.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// A node's connection to the brokers.
pub(in crate::ingest) struct KafkaProducer {
    // Dropped before the watch, whose thread has a clone and so waits for the client to end.
    producer: FutureProducer<KafkaLog>,
    topic: String,
    partitions: i32,
    /// The partition of the next record.
    next_partition: i32,
    watch: QueueWatch,
}

impl BrokerProducer for KafkaProducer {
    fn check_url(url: &BrokerUrl) -> Result<(), UrlRejection> {
        check_url(url)
    }
}

impl TelemetryProducer for KafkaProducer {
    type Address = BrokerAddress;

    async fn connect(address: &BrokerAddress) -> Result<Self, QueueError> {
        let url = address.servers.url().clone();
        let topic = topic_name(&address.cluster);
        let runtime = Handle::current();
        // The client library blocks.
        let connecting = spawn_blocking(move || {
            let config = client_config(&url, "telemetry of a node");
            let settings = producer_config(config.clone());
            let producer = FutureProducer::from_config_and_context(&settings, KafkaLog)?;
            let watch = QueueWatch::start(&runtime, &config, &topic, producer.clone())?;
            Ok(Self {
                producer,
                partitions: watch.partitions(),
                next_partition: 0,
                topic,
                watch,
            })
        });
        connecting.await.map_err(QueueError::disconnected)?
    }

    async fn publish(
        &mut self,
        records: Vec<PendingPublish>,
        results: &mut Vec<PublishResult>,
    ) -> Result<(), QueueError> {
        let state = self.watch.state()?;
        if !state.has_group {
            results.extend(reject_all(&records, RejectReason::NoConsumerGroup));
            return Ok(());
        }
        if state.queued + records.len() as u64 > MAX_QUEUED_RECORDS as u64 {
            results.extend(reject_all(&records, RejectReason::Full));
            return Ok(());
        }
        let mut in_flight = Vec::with_capacity(records.len());
        for PendingPublish { sequence, payload } in records {
            match self.send(&payload) {
                Ok(delivered) => in_flight.push(async move { (sequence, delivered.await) }),
                Err(error) if is_queue_full(&error) => results.push(PublishResult {
                    sequence,
                    outcome: PublishOutcome::Rejected(RejectReason::Full),
                }),
                Err(error) => return Err(error.into()),
            }
        }
        let mut failed = None;
        // All, even if one fails: each record may have been accepted.
        for (sequence, delivered) in join_all(in_flight).await {
            match delivered {
                Ok(Ok(_)) => {
                    self.watch.count_accepted();
                    results.push(PublishResult {
                        sequence,
                        outcome: PublishOutcome::Accepted,
                    });
                }
                Ok(Err((error, _))) => failed = Some(QueueError::from(error)),
                Err(cancelled) => failed = Some(QueueError::disconnected(cancelled)),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Waits until the broker gives no answers any more. All results are known in `publish`.
    async fn next_results(&mut self) -> Result<Vec<PublishResult>, QueueError> {
        Err(self.watch.failed().await)
    }
}

impl KafkaProducer {
    /// Hands a record to the client library. Partitions take turns, so that all members of a
    /// group get records.
    fn send(&mut self, payload: &[u8]) -> Result<DeliveryFuture, KafkaError> {
        let record = FutureRecord::<(), [u8]>::to(&self.topic)
            .partition(self.next_partition)
            .payload(payload);
        let sent = self.producer.send_result(record);
        self.next_partition = (self.next_partition + 1) % self.partitions;
        sent.map_err(|(error, _)| error)
    }
}

fn is_queue_full(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull)
}

fn producer_config(mut config: ClientConfig) -> ClientConfig {
    config
        // Attempts that the client library repeats make no duplicates.
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set(
            "message.timeout.ms",
            DELIVERY_TIMEOUT.as_millis().to_string(),
        )
        .set("linger.ms", "0");
    config
}
