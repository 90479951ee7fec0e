//! The topic of a cluster, and the subscriptions of its nodes' queues.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::{
    clients::AwsClients,
    names::{AwsNames, CLUSTER_TAG},
};
use crate::backplane::remote::TransportResult;

/// The topic to which every node of the cluster subscribes with its queue.
#[derive(Debug)]
pub(super) struct ClusterTopic {
    sns: aws_sdk_sns::Client,
    pub(super) arn: String,
    /// The subscriptions by the queue's ARN, as the service listed them last. A queue's name is
    /// used once, and so its subscription never changes.
    subscriptions: Mutex<HashMap<String, String>>,
}

impl ClusterTopic {
    /// Creates the topic, or finds it.
    pub(super) async fn open(clients: &AwsClients, names: &AwsNames) -> TransportResult<Self> {
        let tag = aws_sdk_sns::types::Tag::builder()
            .key(CLUSTER_TAG)
            .value(names.cluster.as_str())
            .build()?;
        let created = clients
            .sns
            .create_topic()
            .name(&names.topic)
            .attributes("FifoTopic", "true")
            // So that each sender has a rate of its own.
            .attributes("FifoThroughputScope", "MessageGroup")
            .tags(tag)
            .send()
            .await?;
        Ok(Self {
            sns: clients.sns.clone(),
            arn: created.topic_arn.unwrap_or_default(),
            subscriptions: Mutex::default(),
        })
    }

    /// Returns the ARN of a queue of the same account and region.
    pub(super) fn queue_arn(&self, queue: &str) -> String {
        // arn:PARTITION:sns:REGION:ACCOUNT:TOPIC
        let topic = self.arn.replacen(":sns:", ":sqs:", 1);
        let owner = topic.rsplit_once(':').map_or("", |(owner, _)| owner);
        format!("{owner}:{queue}")
    }

    /// Delivers what is published to a queue, without an envelope of the service.
    pub(super) async fn subscribe(&self, queue_arn: &str) -> TransportResult<()> {
        self.sns
            .subscribe()
            .topic_arn(&self.arn)
            .protocol("sqs")
            .endpoint(queue_arn)
            .attributes("RawMessageDelivery", "true")
            .return_subscription_arn(true)
            .send()
            .await?;
        Ok(())
    }

    /// Ends the subscription of a queue, if it has one.
    pub(super) async fn unsubscribe(&self, queue_arn: &str) -> TransportResult<()> {
        if !self.subscriptions.lock().contains_key(queue_arn) {
            self.list().await?;
        }
        let known = self.subscriptions.lock().remove(queue_arn);
        let Some(subscription) = known else {
            return Ok(());
        };
        let ended = self.sns.unsubscribe().subscription_arn(subscription).send();
        match ended.await {
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|answer| answer.is_not_found_exception()) =>
            {
                Ok(())
            }
            ended => Ok(ended.map(drop)?),
        }
    }

    /// Lists the subscriptions and returns the ARNs of their queues.
    pub(super) async fn list(&self) -> TransportResult<Vec<String>> {
        let mut listed = HashMap::new();
        let mut pages = self
            .sns
            .list_subscriptions_by_topic()
            .topic_arn(&self.arn)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            for subscription in page?.subscriptions.unwrap_or_default() {
                if let (Some(arn), Some(endpoint)) =
                    (subscription.subscription_arn, subscription.endpoint)
                {
                    listed.insert(endpoint, arn);
                }
            }
        }
        let queues = listed.keys().cloned().collect();
        *self.subscriptions.lock() = listed;
        Ok(queues)
    }
}
