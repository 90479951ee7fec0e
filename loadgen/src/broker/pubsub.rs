//! Google Pub/Sub: the topics and subscriptions of a run.
//!
//! The service has no process, and its interface tells no gauges.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use highwater_pubsub::{PubSubAddress, PubSubClients, PubSubError, PubSubNames, is_missing};
use highwater_scenarios::plan::BrokerSpec;
use highwater_types::BrokerUrl;

use super::driver::BrokerDriver;
use crate::{
    error_chain::error_chain,
    sampling::{GaugeSource, Gauges},
};

/// The driver of Google Pub/Sub.
pub(super) struct PubSub;

impl BrokerDriver for PubSub {
    fn check_connection<'b>(&self, url: &'b BrokerUrl) -> BoxFuture<'b, Result<(), String>> {
        async {
            let (clients, names) = connect(url, "none").await?;
            let listing = clients.topics.list_topics().set_project(names.project());
            let listed = listing.set_page_size(1).send().await;
            listed.map(drop).map_err(reason)
        }
        .boxed()
    }

    fn cleanup<'b>(
        &self,
        url: &'b BrokerUrl,
        cluster: &'b str,
    ) -> BoxFuture<'b, Result<Vec<String>, String>> {
        async move {
            let (clients, names) = connect(url, cluster).await?;
            for topic in [names.topic(), names.dead_letter_topic()] {
                delete_topic(&clients, &topic).await?;
            }
            // Topics and groups outlive nodes and consumers on purpose.
            Ok(Vec::new())
        }
        .boxed()
    }

    fn gauge_source(&self, _: &BrokerSpec, _: &str) -> Option<Arc<dyn GaugeSource>> {
        None
    }

    fn parse_gauges(&self, _: &str) -> Option<Gauges> {
        None
    }

    fn start_command(&self, port: u16) -> String {
        format!("gcloud beta emulators pubsub start --host-port=127.0.0.1:{port}")
    }

    fn process_names(&self) -> &'static [&'static str] {
        // The emulator. The service has no process here.
        &["java"]
    }
}

async fn connect(url: &BrokerUrl, cluster: &str) -> Result<(PubSubClients, PubSubNames), String> {
    let connecting = async {
        let address = PubSubAddress::from_url(url)?;
        let names = PubSubNames::new(&address.project, cluster);
        Ok::<_, PubSubError>((PubSubClients::new(&address).await?, names))
    };
    connecting.await.map_err(reason)
}

/// Deletes a topic with its subscriptions, which would outlive it.
async fn delete_topic(clients: &PubSubClients, topic: &str) -> Result<(), String> {
    loop {
        let listing = clients.topics.list_topic_subscriptions().set_topic(topic);
        let page = match listing.send().await {
            // No consumer has joined, so there are no dead letters.
            Err(error) if is_missing(&error) => return Ok(()),
            page => page.map_err(reason)?,
        };
        for name in &page.subscriptions {
            let deleting = clients.subscriptions.delete_subscription();
            let deleted = deleting.set_subscription(name).send().await;
            deleted.map_err(reason)?;
        }
        // A deleted subscription is in no list, so the first page has the next ones.
        if page.next_page_token.is_empty() {
            break;
        }
    }
    let deleting = clients.topics.delete_topic().set_topic(topic);
    match deleting.send().await {
        // The emulator lists no subscriptions of a topic that does not exist, and no error.
        Err(error) if is_missing(&error) => Ok(()),
        deleted => deleted.map_err(reason),
    }
}

fn reason(error: impl std::error::Error) -> String {
    error_chain(&error)
}
