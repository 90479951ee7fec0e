//! The queues of a cluster's nodes: one for each connection of a node, so normally one for its
//! life.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;

use super::{
    clients::{AwsClients, LONG_POLL},
    error::is_missing_queue,
    names::{AwsNames, CLUSTER_TAG, INCARNATION_TAG, NODE_TAG},
    topic::ClusterTopic,
};
use crate::{
    backplane::remote::{Inbox, TransportError, TransportResult},
    clock::now_ms,
};

/// The time for which a message waits in a queue, the shortest that SQS allows. A node that does
/// not read for so long has lost its membership.
const RETENTION: Duration = Duration::from_secs(60);
/// The time after which SQS delivers a message again that was not deleted.
const VISIBILITY: Duration = Duration::from_secs(30);
/// The age from which a queue without an entry in the membership table is an orphan. A node
/// creates its queue before it joins, which takes seconds.
const MIN_ORPHAN_AGE: Duration = Duration::from_secs(60);

/// The queues of one cluster, with its topic.
#[derive(Debug)]
pub(super) struct ClusterQueues {
    sqs: aws_sdk_sqs::Client,
    pub(super) names: AwsNames,
    pub(super) topic: ClusterTopic,
    /// The beginning of the URLs of all queues of the account in the region.
    base_url: String,
}

impl ClusterQueues {
    /// Creates the queue of an inbox and subscribes it to the cluster's topic.
    pub(super) async fn create(
        clients: &AwsClients,
        names: AwsNames,
        topic: ClusterTopic,
        inbox: &Inbox,
    ) -> TransportResult<Self> {
        let name = names.queue(inbox);
        let arn = topic.queue_arn(&name);
        let seconds = |time: Duration| time.as_secs().to_string();
        let created = clients
            .sqs
            .create_queue()
            .queue_name(&name)
            .attributes(QueueAttributeName::FifoQueue, "true")
            // So that each sender has a rate of its own.
            .attributes(QueueAttributeName::DeduplicationScope, "messageGroup")
            .attributes(QueueAttributeName::FifoThroughputLimit, "perMessageGroupId")
            .attributes(
                QueueAttributeName::MessageRetentionPeriod,
                seconds(RETENTION),
            )
            .attributes(QueueAttributeName::VisibilityTimeout, seconds(VISIBILITY))
            .attributes(
                QueueAttributeName::ReceiveMessageWaitTimeSeconds,
                seconds(LONG_POLL),
            )
            .attributes(QueueAttributeName::Policy, policy(&arn, &topic.arn))
            .tags(CLUSTER_TAG, names.cluster.as_str())
            .tags(NODE_TAG, inbox.node.as_str())
            .tags(INCARNATION_TAG, inbox.incarnation.to_string())
            .send()
            .await?;
        let url = created.queue_url.unwrap_or_default();
        let base_url = url.strip_suffix(&name).ok_or_else(|| {
            TransportError::Broken(format!("unexpected URL of the queue {name}: {url}"))
        })?;
        topic.subscribe(&arn).await?;
        Ok(Self {
            sqs: clients.sqs.clone(),
            base_url: base_url.to_owned(),
            names,
            topic,
        })
    }

    /// Returns the URL of an inbox's queue.
    pub(super) fn url(&self, inbox: &Inbox) -> String {
        self.url_of(&self.names.queue(inbox))
    }

    /// Returns the URL of the queue of an inbox with this id.
    pub(super) fn url_of_id(&self, inbox_id: &str) -> String {
        self.url_of(&self.names.queue_of_id(inbox_id))
    }

    fn url_of(&self, name: &str) -> String {
        format!("{}{name}", self.base_url)
    }

    /// Removes the queue of an inbox, after its subscription. Idempotent.
    pub(super) async fn remove(&self, inbox: &Inbox) -> TransportResult<()> {
        self.remove_named(&self.names.queue(inbox)).await
    }

    async fn remove_named(&self, name: &str) -> TransportResult<()> {
        // The subscription first: one without its queue stays unseen, and each publication
        // would still be delivered to it.
        self.topic.unsubscribe(&self.topic.queue_arn(name)).await?;
        match self
            .sqs
            .delete_queue()
            .queue_url(self.url_of(name))
            .send()
            .await
        {
            Err(error) if is_missing_queue(&error) => Ok(()),
            deleted => Ok(deleted.map(drop)?),
        }
    }

    /// Removes the queues of this cluster that no membership table knows: those of processes
    /// that ended before they had joined. Returns their number.
    ///
    /// `known` are the inboxes in the table, which must have been loaded after `listed`.
    pub(super) async fn remove_orphans(
        &self,
        listed: Vec<String>,
        known: &[Inbox],
    ) -> TransportResult<usize> {
        let known: Vec<String> = known.iter().map(|inbox| self.names.queue(inbox)).collect();
        let mut removed = 0;
        for name in listed.iter().filter(|name| !known.contains(name)) {
            if self.is_orphan(name).await? {
                self.remove_named(name).await?;
                tracing::info!(
                    queue = name,
                    "removed the queue of a process that never joined"
                );
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Returns the names of the queues that can be of this cluster.
    pub(super) async fn list(&self) -> TransportResult<Vec<String>> {
        let mut names = Vec::new();
        let mut pages = self
            .sqs
            .list_queues()
            .queue_name_prefix(&self.names.queue_prefix)
            .max_results(1_000)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            for url in page?.queue_urls.unwrap_or_default() {
                let name = url.rsplit('/').next().unwrap_or_default();
                if self.names.is_queue(name) {
                    names.push(name.to_owned());
                }
            }
        }
        Ok(names)
    }

    /// Whether a queue is of this cluster by its tag, and older than a join takes.
    async fn is_orphan(&self, name: &str) -> TransportResult<bool> {
        let url = self.url_of(name);
        let tags = match self.sqs.list_queue_tags().queue_url(&url).send().await {
            Err(error) if is_missing_queue(&error) => return Ok(false),
            tags => tags?.tags.unwrap_or_default(),
        };
        let cluster = tags.get(CLUSTER_TAG).map(String::as_str);
        if cluster != Some(self.names.cluster.as_str()) {
            return Ok(false);
        }
        let created = QueueAttributeName::CreatedTimestamp;
        let request = self.sqs.get_queue_attributes().queue_url(&url);
        let attributes = match request.attribute_names(created.clone()).send().await {
            Err(error) if is_missing_queue(&error) => return Ok(false),
            attributes => attributes?.attributes.unwrap_or_default(),
        };
        let created = attributes
            .get(&created)
            .and_then(|at| at.parse::<u64>().ok());
        Ok(created.is_some_and(|at| at + MIN_ORPHAN_AGE.as_secs() < now_ms() / 1_000))
    }
}

/// Returns the policy by which the topic may send to the queue.
fn policy(queue: &str, topic: &str) -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }],
    })
    .to_string()
}
