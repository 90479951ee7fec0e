//! Kafka: the topic and the consumer groups of a run, and their offsets.

mod client;
mod gauges;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use highwater_scenarios::plan::BrokerSpec;
use highwater_types::BrokerUrl;

use self::{client::KafkaClient, gauges::KafkaOffsets};
use super::driver::BrokerDriver;
use crate::sampling::{GaugeSource, Gauges};

/// The driver of Kafka and of brokers that speak its protocol.
pub(super) struct Kafka;

impl BrokerDriver for Kafka {
    fn check_connection<'b>(&self, url: &'b BrokerUrl) -> BoxFuture<'b, Result<(), String>> {
        // A client connects with its first request.
        client::call(url, |client| client.topics())
            .map(|topics| topics.map(drop))
            .boxed()
    }

    fn cleanup<'b>(
        &self,
        url: &'b BrokerUrl,
        cluster: &'b str,
    ) -> BoxFuture<'b, Result<Vec<String>, String>> {
        async move {
            let topic = client::topic_name(cluster);
            let left = {
                let topic = topic.clone();
                client::call(url, move |client| client.groups_with_members(&topic)).await?
            };
            client::delete(url, topic).await?;
            let leftover = |group: String| format!("members in the group {group}");
            Ok(left.into_iter().map(leftover).collect())
        }
        .boxed()
    }

    fn gauge_source(&self, broker: &BrokerSpec, cluster: &str) -> Option<Arc<dyn GaugeSource>> {
        let topic = client::topic_name(cluster);
        Some(Arc::new(KafkaOffsets::new(broker.url.clone(), topic)))
    }

    fn parse_gauges(&self, _: &str) -> Option<Gauges> {
        // The gauges are no text, but offsets of partitions.
        None
    }

    fn start_command(&self, _: u16) -> String {
        "kafka-server-start.sh config/server.properties".to_owned()
    }

    fn process_names(&self) -> &'static [&'static str] {
        // Kafka itself is a Java program.
        &["java", "redpanda", "noida-db", "tansu"]
    }
}

impl KafkaClient {
    fn groups_with_members(&self, topic: &str) -> Result<Vec<String>, String> {
        let groups = self.groups(topic)?.into_iter();
        Ok(groups
            .filter(|group| group.members > 0)
            .map(|group| group.name)
            .collect())
    }
}
