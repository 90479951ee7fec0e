//! The topic of a cluster's telemetry.

use std::time::Duration;

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    error::RDKafkaErrorCode,
    metadata::Metadata,
};
use tokio::runtime::Handle;

use super::{
    super::queue::QueueError,
    settings::{CALL_TIMEOUT, KafkaLog},
};

/// The partitions of a new topic. So many members of a group get records.
const PARTITIONS: i32 = 16;
/// The most replicas of a new topic.
const MAX_REPLICAS: usize = 3;
/// The number of polls for a topic that was created.
const MAX_POLLS: u32 = 50;
/// The time between two of these polls.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Returns the number of partitions of a topic, which is created if it does not exist. Blocks.
pub(super) fn open(
    runtime: &Handle,
    admin: &AdminClient<KafkaLog>,
    topic: &str,
) -> Result<i32, QueueError> {
    let mut was_created = false;
    for _ in 0..MAX_POLLS {
        // Of all topics: a request for one would create it, with other settings.
        let metadata = admin.inner().fetch_metadata(None, CALL_TIMEOUT)?;
        if let Some(partitions) = partitions(&metadata, topic) {
            return Ok(partitions);
        }
        if !was_created {
            runtime.block_on(create(admin, topic, metadata.brokers().len()))?;
            was_created = true;
        }
        // The brokers learn of a topic a moment after its creation.
        runtime.block_on(async { tokio::time::sleep(POLL_INTERVAL).await });
    }
    Err(QueueError::disconnected(format!(
        "the topic {topic} was created and is not listed"
    )))
}

/// Returns the number of partitions; `None` if there is no such topic.
fn partitions(metadata: &Metadata, topic: &str) -> Option<i32> {
    let mut topics = metadata.topics().iter();
    let found = topics.find(|found| found.name() == topic && found.error().is_none())?;
    let partitions = i32::try_from(found.partitions().len()).ok()?;
    (partitions > 0).then_some(partitions)
}

async fn create(
    admin: &AdminClient<KafkaLog>,
    topic: &str,
    brokers: usize,
) -> Result<(), QueueError> {
    let replicas = brokers.clamp(1, MAX_REPLICAS);
    let in_sync = if replicas == MAX_REPLICAS { "2" } else { "1" };
    let new = NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(replicas as i32))
        // Records leave the topic when every group has handled them; see `queue_watch`.
        .set("retention.ms", "-1")
        .set("retention.bytes", "-1")
        .set("min.insync.replicas", in_sync);
    let options = AdminOptions::new()
        .request_timeout(Some(CALL_TIMEOUT))
        .operation_timeout(Some(CALL_TIMEOUT));
    for created in admin.create_topics([&new], &options).await? {
        match created {
            // Another node or consumer may have been faster.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, error)) => {
                return Err(QueueError::Rejected(format!(
                    "cannot create the topic {topic}: {error}"
                )));
            }
        }
    }
    Ok(())
}
