//! A client of the Kafka protocol that joins no group.

use std::time::Duration;

use highwater_types::BrokerUrl;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaResult, RDKafkaErrorCode},
};
use tokio::task::spawn_blocking;

/// The time for one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);

/// A client that reads topics, groups and offsets. Its calls block.
pub(super) struct KafkaClient {
    config: ClientConfig,
    consumer: BaseConsumer,
}

/// A consumer group of a run.
pub(super) struct KafkaGroup {
    pub(super) name: String,
    pub(super) members: usize,
}

/// Returns the topic that the nodes of a cluster write to.
pub(super) fn topic_name(cluster: &str) -> String {
    format!("highwater.{cluster}.telemetry")
}

/// Runs a blocking call of a new client.
pub(super) async fn call<T: Send + 'static>(
    url: &BrokerUrl,
    call: impl FnOnce(&KafkaClient) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let url = url.clone();
    let called = spawn_blocking(move || call(&KafkaClient::new(&url)?));
    called.await.map_err(|error| error.to_string())?
}

/// Deletes a topic with its groups.
pub(super) async fn delete(url: &BrokerUrl, topic: String) -> Result<(), String> {
    let admin: AdminClient<DefaultClientContext> = config(url).create().map_err(in_words)?;
    let listed = topic.clone();
    let groups = call(url, move |client| client.groups(&listed)).await?;
    // A group with members cannot be deleted, and goes when the broker finds it empty for long.
    let groups: Vec<&str> = groups
        .iter()
        .filter(|group| group.members == 0)
        .map(|group| group.name.as_str())
        .collect();
    let options = AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT));
    if !groups.is_empty() {
        for deleted in admin
            .delete_groups(&groups, &options)
            .await
            .map_err(in_words)?
        {
            match deleted {
                Ok(_) | Err((_, RDKafkaErrorCode::GroupIdNotFound)) => {}
                Err((group, error)) => return Err(format!("the group {group} stays: {error}")),
            }
        }
    }
    for deleted in admin
        .delete_topics(&[&topic], &options)
        .await
        .map_err(in_words)?
    {
        match deleted {
            // A run that ended before its nodes connected has no topic.
            Ok(_)
            | Err((
                _,
                RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic,
            )) => {}
            Err((topic, error)) => return Err(format!("the topic {topic} stays: {error}")),
        }
    }
    Ok(())
}

impl KafkaClient {
    pub(super) fn new(url: &BrokerUrl) -> Result<Self, String> {
        let config = config(url);
        let consumer = config.create().map_err(in_words)?;
        Ok(Self { config, consumer })
    }

    /// Returns all topics with their numbers of partitions.
    pub(super) fn topics(&self) -> Result<Vec<(String, i32)>, String> {
        let metadata = self.consumer.fetch_metadata(None, REQUEST_TIMEOUT);
        let metadata = metadata.map_err(in_words)?;
        let topics = metadata.topics().iter();
        let topic = |topic: &rdkafka::metadata::MetadataTopic| {
            (topic.name().to_owned(), topic.partitions().len() as i32)
        };
        Ok(topics.map(topic).collect())
    }

    /// Returns the groups of a topic.
    pub(super) fn groups(&self, topic: &str) -> Result<Vec<KafkaGroup>, String> {
        let list = self.consumer.fetch_group_list(None, REQUEST_TIMEOUT);
        let list = list.map_err(in_words)?;
        let prefix = format!("{topic}.");
        let groups = list.groups().iter();
        Ok(groups
            .filter(|group| group.name().starts_with(&prefix))
            .map(|group| KafkaGroup {
                name: group.name().to_owned(),
                members: group.members().len(),
            })
            .collect())
    }

    /// Returns a client that reads the offsets of a group, and joins nothing.
    pub(super) fn reader_of(&self, group: &str) -> KafkaResult<BaseConsumer> {
        let mut config = self.config.clone();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false");
        config.create()
    }

    /// Returns the end of each partition.
    pub(super) fn ends(&self, topic: &str, partitions: i32) -> KafkaResult<TopicPartitionList> {
        let all = all_partitions(topic, partitions, Offset::End)?;
        self.consumer.offsets_for_times(all, REQUEST_TIMEOUT)
    }
}

/// Returns the offsets that a group has committed.
pub(super) fn committed(
    reader: &BaseConsumer,
    topic: &str,
    partitions: i32,
) -> KafkaResult<TopicPartitionList> {
    let all = all_partitions(topic, partitions, Offset::Invalid)?;
    reader.committed_offsets(all, REQUEST_TIMEOUT)
}

fn all_partitions(topic: &str, partitions: i32, offset: Offset) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(partitions.max(0) as usize);
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, offset)?;
    }
    Ok(list)
}

fn config(url: &BrokerUrl) -> ClientConfig {
    let servers: Vec<String> = url.servers().iter().map(ToString::to_string).collect();
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", servers.join(","))
        .set("client.id", "highwater run");
    config
}

/// Returns an error in words.
pub(super) fn in_words(error: rdkafka::error::KafkaError) -> String {
    error.to_string()
}
