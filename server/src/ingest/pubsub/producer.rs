//! A producer: records to the topic.

use std::time::Duration;

use futures_util::future::{join, join_all};
use google_cloud_pubsub::{client::Publisher, model::Message};
use highwater_pubsub::PubSubAddress;
use highwater_types::BrokerUrl;

use super::{
    super::{
        queue::{
            PendingPublish, PublishOutcome, PublishResult, QueueError, RejectReason,
            TelemetryProducer, reject_all, with_timeout,
        },
        registry::{BrokerAddress, BrokerProducer},
    },
    group_check::GroupCheck,
    resources::{QueueTopic, rejected},
};
use crate::net::broker_location::UrlRejection;

/// The time that acceptance may take. The client library repeats its attempts for 10 s.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(12);

/// A node's connection to the service.
pub(in crate::ingest) struct PubSubProducer {
    topic: QueueTopic,
    publisher: Publisher,
    groups: GroupCheck,
}

impl BrokerProducer for PubSubProducer {
    fn check_url(url: &BrokerUrl) -> Result<(), UrlRejection> {
        let address = PubSubAddress::from_url(url);
        address.map(drop).map_err(|_| UrlRejection::Invalid)
    }
}

impl TelemetryProducer for PubSubProducer {
    type Address = BrokerAddress;

    async fn connect(address: &BrokerAddress) -> Result<Self, QueueError> {
        let topic = QueueTopic::open(address).await?;
        let publisher = topic.clients.publisher(topic.names.topic()).await;
        Ok(Self {
            publisher: publisher.map_err(rejected)?,
            topic,
            groups: GroupCheck::default(),
        })
    }

    async fn publish(
        &mut self,
        records: Vec<PendingPublish>,
        results: &mut Vec<PublishResult>,
    ) -> Result<(), QueueError> {
        if !self.groups.has_group() {
            self.groups.refresh(&self.topic).await?;
        }
        if !self.groups.has_group() {
            results.extend(reject_all(&records, RejectReason::NoConsumerGroup));
            return Ok(());
        }
        // Beside each other, so that a check delays no record.
        let checked = self.groups.refresh(&self.topic);
        let (checked, sent) = join(checked, send(&self.publisher, records, results)).await;
        checked.and(sent)
    }
}

/// Publishes records, and adds the results of those that the service has.
async fn send(
    publisher: &Publisher,
    records: Vec<PendingPublish>,
    results: &mut Vec<PublishResult>,
) -> Result<(), QueueError> {
    let in_flight = records.into_iter().map(|record| {
        let sent = publisher.publish(Message::new().set_data(record.payload));
        async move { (record.sequence, sent.await) }
    });
    let in_flight: Vec<_> = in_flight.collect();
    // The client library would wait for more records of the next batch.
    let answers = join(publisher.flush(), join_all(in_flight));
    let answers = with_timeout(PUBLISH_TIMEOUT, async { Ok(answers.await) });
    let ((), answers) = answers.await?;
    let mut failed = None;
    // All, even if one fails: each record may have been accepted.
    for (sequence, answer) in answers {
        match answer {
            Ok(_) => results.push(PublishResult {
                sequence,
                outcome: PublishOutcome::Accepted,
            }),
            Err(error) => failed = Some(QueueError::disconnected(error)),
        }
    }
    failed.map_or(Ok(()), Err)
}
