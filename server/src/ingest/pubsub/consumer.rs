//! A consumer: records of a group's subscription, and their acknowledgement.

use std::{collections::HashMap, time::Duration};

use google_cloud_pubsub::subscriber::handler::ExactlyOnce;
use tokio::time::{Instant, timeout};

use super::{
    super::{
        queue::{GroupConsumer, MAX_UNACKED, QueueError, TelemetryDelivery, with_timeout},
        registry::BrokerAddress,
    },
    pending_acks::PendingAcks,
    receiver::{ReceivedRecord, RecordReceiver},
    resources::{ACK_DEADLINE, CALL_TIMEOUT, QueueTopic, rejected},
};
use crate::id::ConsumerGroup;

/// The time that [`GroupConsumer::poll`] waits.
const POLL_TIMEOUT: Duration = Duration::from_secs(1);
/// The time without records after which the service is asked whether it still answers. The client
/// library repeats its attempts without an end, and tells nothing.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// A consumer's connection to the service.
pub(in crate::ingest) struct PubSubConsumer {
    topic: QueueTopic,
    subscription: String,
    receiver: RecordReceiver,
    /// The records that were handed out and are not acknowledged, by their receipts.
    unacked: HashMap<u64, ExactlyOnce>,
    pending_acks: PendingAcks,
    next_receipt: u64,
    /// The time of the last sign that the service answers.
    answered_at: Instant,
}

impl GroupConsumer for PubSubConsumer {
    const ACK_WAIT: Duration = ACK_DEADLINE;

    type Address = BrokerAddress;
    /// The number of the delivery.
    type Receipt = u64;

    async fn join(
        address: &BrokerAddress,
        group: &ConsumerGroup,
        _: &str,
    ) -> Result<Self, QueueError> {
        let topic = QueueTopic::open(address).await?;
        let subscription = topic.open_group(group).await?;
        let subscriber = topic.clients.subscriber().await.map_err(rejected)?;
        Ok(Self {
            receiver: RecordReceiver::start(&subscriber, &subscription),
            topic,
            subscription,
            unacked: HashMap::new(),
            pending_acks: PendingAcks::default(),
            next_receipt: 0,
            answered_at: Instant::now(),
        })
    }

    async fn poll(&mut self) -> Result<Vec<TelemetryDelivery<u64>>, QueueError> {
        self.pending_acks.settle()?;
        match timeout(POLL_TIMEOUT, self.receive()).await {
            Ok(records) => {
                self.answered_at = Instant::now();
                Ok(records?
                    .into_iter()
                    .map(|record| self.hand_out(record))
                    .collect())
            }
            Err(_) => {
                self.check_service().await?;
                Ok(Vec::new())
            }
        }
    }

    async fn acknowledge(&mut self, handled: &[u64]) -> Result<(), QueueError> {
        for receipt in handled {
            if let Some(handler) = self.unacked.remove(receipt) {
                self.pending_acks.send(handler);
            }
        }
        self.pending_acks.settle()
    }

    /// Does nothing: the client library extends deadlines by itself.
    async fn extend_ack(&mut self, _: &[u64]) -> Result<(), QueueError> {
        Ok(())
    }

    async fn leave(mut self) {
        let leaving = async {
            // The library drops what it has not sent when the stream ends.
            while self.pending_acks.settle_next().await? {}
            self.receiver.end().await;
            Ok(())
        };
        // A failure has the same effect, after the deadlines of the records.
        let _ = with_timeout(CALL_TIMEOUT, leaving).await;
    }
}

impl PubSubConsumer {
    /// Waits until there are records, and fewer than [`MAX_UNACKED`] without a confirmation.
    async fn receive(&mut self) -> Result<Vec<ReceivedRecord>, QueueError> {
        loop {
            let unconfirmed = self.unacked.len() + self.pending_acks.len();
            let limit = MAX_UNACKED.saturating_sub(unconfirmed);
            if limit > 0 {
                return self.receiver.next(limit).await;
            }
            if !self.pending_acks.settle_next().await? {
                // The caller acknowledges none of the records that it has.
                std::future::pending::<()>().await;
            }
        }
    }

    fn hand_out(&mut self, record: ReceivedRecord) -> TelemetryDelivery<u64> {
        let receipt = self.next_receipt;
        self.next_receipt += 1;
        self.unacked.insert(receipt, record.handler);
        TelemetryDelivery {
            telemetry: record.telemetry,
            redelivered: record.redelivered,
            receipt,
        }
    }

    /// Asks the service for the subscription, if it has been silent.
    async fn check_service(&mut self) -> Result<(), QueueError> {
        if self.answered_at.elapsed() < CHECK_INTERVAL {
            return Ok(());
        }
        let asking = async { Ok(self.topic.subscription(&self.subscription).await?) };
        with_timeout(CALL_TIMEOUT, asking).await?;
        self.answered_at = Instant::now();
        Ok(())
    }
}
