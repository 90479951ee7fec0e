//! The topics and subscriptions of a cluster at the service.

use std::time::Duration;

use google_cloud_pubsub::{
    Error,
    model::{DeadLetterPolicy, ExpirationPolicy, Subscription},
};
use highwater_pubsub::{PubSubAddress, PubSubClients, PubSubNames, is_existing, is_missing};
use highwater_types::BrokerUrl;

use super::super::{queue::QueueError, registry::BrokerAddress};
use crate::id::{ClusterName, ConsumerGroup};

/// The time to acknowledge a record: the shortest that the service allows.
pub(super) const ACK_DEADLINE: Duration = Duration::from_secs(10);
/// The time for one call to the service.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The attempts to deliver a record, the most that the service allows. Without a limit it would
/// not count them.
const MAX_ATTEMPTS: i32 = 100;
/// The time for which a subscription keeps a record: the longest that the emulator allows. An
/// operator can extend it to 31 days.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The topic of a cluster's telemetry, with the clients that reach it.
pub(super) struct QueueTopic {
    pub(super) clients: PubSubClients,
    pub(super) names: PubSubNames,
}

impl QueueTopic {
    /// Creates clients, and the topic if it does not exist.
    pub(super) async fn open(address: &BrokerAddress) -> Result<Self, QueueError> {
        let open = |url| Self::open_at(url, &address.cluster);
        address.servers.connect(open).await
    }

    async fn open_at(url: BrokerUrl, cluster: &ClusterName) -> Result<Self, QueueError> {
        let address = PubSubAddress::from_url(&url).map_err(rejected)?;
        let clients = PubSubClients::new(&address).await.map_err(rejected)?;
        let names = PubSubNames::new(&address.project, cluster.as_str());
        let topic = Self { clients, names };
        topic.create_topic(topic.names.topic()).await?;
        Ok(topic)
    }

    /// Creates the subscription of a group if it does not exist. Returns its name.
    pub(super) async fn open_group(&self, group: &ConsumerGroup) -> Result<String, QueueError> {
        self.create_dead_letters().await?;
        let name = self.names.subscription(group.as_str());
        let dead_letters = DeadLetterPolicy::new()
            .set_dead_letter_topic(self.names.dead_letter_topic())
            .set_max_delivery_attempts(MAX_ATTEMPTS);
        let wanted = lasting_subscription(name.clone(), self.names.topic())
            .set_enable_exactly_once_delivery(true)
            .set_dead_letter_policy(dead_letters);
        let found = self.create_subscription(wanted).await?;
        let is_usable = found.enable_exactly_once_delivery && found.dead_letter_policy.is_some();
        match is_usable {
            true => Ok(name),
            false => Err(QueueError::Rejected(format!(
                "the subscription {name} lacks exactly-once delivery or a dead-letter policy; \
                 hint: delete it, so that a consumer creates it"
            ))),
        }
    }

    /// Creates the topic of undeliverable records, and the subscription that keeps them.
    async fn create_dead_letters(&self) -> Result<(), QueueError> {
        let topic = self.names.dead_letter_topic();
        self.create_topic(topic.clone()).await?;
        let name = self.names.dead_letter_subscription();
        let keeping = lasting_subscription(name, topic);
        self.create_subscription(keeping).await.map(drop)
    }

    async fn create_topic(&self, name: String) -> Result<(), QueueError> {
        let topics = &self.clients.topics;
        // First, because a client may be allowed to read topics and not to create them.
        match topics.get_topic().set_topic(&name).send().await {
            Err(error) if is_missing(&error) => {}
            found => return found.map(drop).map_err(QueueError::from),
        }
        match topics.create_topic().set_name(name).send().await {
            // By another member at the same time.
            Err(error) if is_existing(&error) => Ok(()),
            created => created.map(drop).map_err(QueueError::from),
        }
    }

    /// Creates a subscription if its name is free. Returns the one that is there.
    async fn create_subscription(&self, wanted: Subscription) -> Result<Subscription, QueueError> {
        let name = wanted.name.clone();
        match self.subscription(&name).await {
            Err(error) if is_missing(&error) => {}
            found => return found.map_err(QueueError::from),
        }
        let creating = self.clients.subscriptions.create_subscription();
        match creating.with_request(wanted).send().await {
            Err(error) if is_existing(&error) => Ok(self.subscription(&name).await?),
            created => created.map_err(QueueError::from),
        }
    }

    /// Asks the service for a subscription.
    pub(super) async fn subscription(&self, name: &str) -> Result<Subscription, Error> {
        let subscriptions = &self.clients.subscriptions;
        let asking = subscriptions.get_subscription().set_subscription(name);
        asking.send().await
    }
}

/// Describes a subscription that keeps records and never expires.
fn lasting_subscription(name: String, topic: String) -> Subscription {
    let mut subscription = Subscription::new()
        .set_name(name)
        .set_topic(topic)
        .set_ack_deadline_seconds(ACK_DEADLINE.as_secs() as i32)
        // Without a time it never expires. By default it would after 31 days without members.
        .set_expiration_policy(ExpirationPolicy::new());
    // The library's own type fails only for times of thousands of years.
    subscription.message_retention_duration = RETENTION.try_into().ok();
    subscription
}

/// Makes an error of settings that no further attempt mends.
pub(super) fn rejected(error: impl std::fmt::Display) -> QueueError {
    QueueError::Rejected(error.to_string())
}

impl From<Error> for QueueError {
    fn from(error: Error) -> Self {
        Self::disconnected(error)
    }
}
