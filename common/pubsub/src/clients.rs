//! The clients of the service, for one project.

use std::time::Duration;

use google_cloud_auth::credentials::{self, Credentials, anonymous};
use google_cloud_gax::retry_policy::RetryPolicyExt;
use google_cloud_pubsub::{
    client::{Publisher, Subscriber, SubscriptionAdmin, TopicAdmin},
    retry_policy::RetryableErrors,
};

use crate::{PubSubAddress, PubSubError};

/// The time for which the client library repeats a publication that the service did not answer.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);

/// The clients that create and list topics and subscriptions.
#[derive(Debug, Clone)]
pub struct PubSubClients {
    /// The client for topics.
    pub topics: TopicAdmin,
    /// The client for subscriptions.
    pub subscriptions: SubscriptionAdmin,
    endpoint: String,
    credentials: Credentials,
}

impl PubSubClients {
    /// Creates clients. They connect with their first call.
    ///
    /// # Errors
    ///
    /// [`PubSubError`] without usable credentials.
    pub async fn new(address: &PubSubAddress) -> Result<Self, PubSubError> {
        // An error says that another provider is installed: the library then uses that one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let credentials = match address.is_emulator {
            true => anonymous::Builder::new().build(),
            false => credentials::Builder::default().build()?,
        };
        let endpoint = address.endpoint.clone();
        let topics = TopicAdmin::builder()
            .with_endpoint(&endpoint)
            .with_credentials(credentials.clone());
        let subscriptions = SubscriptionAdmin::builder()
            .with_endpoint(&endpoint)
            .with_credentials(credentials.clone());
        Ok(Self {
            topics: topics.build().await?,
            subscriptions: subscriptions.build().await?,
            endpoint,
            credentials,
        })
    }

    /// Creates a client that publishes to a topic.
    ///
    /// # Errors
    ///
    /// [`PubSubError`] if the client library rejects the endpoint.
    pub async fn publisher(&self, topic: String) -> Result<Publisher, PubSubError> {
        let builder = Publisher::builder(topic)
            .with_endpoint(&self.endpoint)
            .with_credentials(self.credentials.clone())
            .with_retry_policy(RetryableErrors.with_time_limit(PUBLISH_TIMEOUT));
        Ok(builder.build().await?)
    }

    /// Creates a client that receives messages.
    ///
    /// # Errors
    ///
    /// [`PubSubError`] if the client library rejects the endpoint.
    pub async fn subscriber(&self) -> Result<Subscriber, PubSubError> {
        let builder = Subscriber::builder()
            .with_endpoint(&self.endpoint)
            .with_credentials(self.credentials.clone());
        Ok(builder.build().await?)
    }
}
