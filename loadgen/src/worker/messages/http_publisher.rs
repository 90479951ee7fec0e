//! A publisher that calls the HTTP interface, one message after the other.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use highwater_scenarios::{
    Segment,
    plan::{PublishFrom, PublishLoad},
};
use reqwest::Client;
use tokio::time::{sleep_until, timeout};

use super::publisher::{MessageOutcome, PublisherState};
use crate::worker::{
    context::Context,
    dialect::TopicDialect,
    http::{PostError, post_to_listener, read_body},
    user_role::UserRole,
};

/// A publisher over HTTP.
struct HttpPublisher {
    /// Number of the load in the plan.
    load: usize,
    /// Number of the publisher in the load.
    number: u64,
}

/// Returns the HTTP publishers of publish load number `index` that are this worker's.
pub fn users(index: usize, load: &PublishLoad, segment: Segment) -> Vec<Box<dyn UserRole>> {
    if load.from != PublishFrom::Rest {
        return Vec::new();
    }
    let publisher = |number| {
        Box::new(HttpPublisher {
            load: index,
            number,
        }) as Box<dyn UserRole>
    };
    segment.indices(load.publishers).map(publisher).collect()
}

impl UserRole for HttpPublisher {
    fn run(self: Box<Self>, context: Arc<Context>, client: Client) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.publish_until_drain(&context, &client).await })
    }
}

impl HttpPublisher {
    /// Publishes messages until all are published or the drain begins.
    async fn publish_until_drain(&self, context: &Context, client: &Client) {
        let Some(dialect) = context.dialect.topics() else {
            return;
        };
        let Some(steady) = context.signals.wait_steady_start().await else {
            return;
        };
        let mut publisher = PublisherState::new(self.load, self.number);
        let mut sender = MessageSender {
            context,
            client,
            dialect,
            topic: publisher.topic(context),
            next_address: self.number as usize,
        };
        while let Some(due) = publisher.next_due(context, steady) {
            tokio::select! {
                // The drain first: a message that is due in the same instant is dropped.
                biased;
                () = context.signals.drain.cancelled() => {
                    publisher.skip_due(context, steady);
                    return;
                }
                () = sleep_until(due) => {}
            }
            let message = publisher.begin_publish(context, due);
            let sent = timeout(publisher.timeout(context), sender.send(&message.body));
            let outcome = sent.await.unwrap_or(MessageOutcome::Unconfirmed);
            publisher.finish_publish(&context.recorder, outcome);
        }
    }
}

/// The sending end of a publisher.
struct MessageSender<'a> {
    context: &'a Context,
    client: &'a Client,
    dialect: &'a dyn TopicDialect,
    topic: String,
    /// Number of the address to use, modulo their count. It stays as long as that node
    /// listens: only messages through one node keep their order.
    next_address: usize,
}

impl MessageSender<'_> {
    async fn send(&mut self, body: &str) -> MessageOutcome {
        let request = self.dialect.publish_request(&self.topic, body);
        let endpoints = self.context.endpoints();
        match post_to_listener(self.client, &endpoints, &mut self.next_address, &request).await {
            Ok(response) => {
                let status = response.status().as_u16();
                let _ = read_body(response).await;
                MessageOutcome::from_status(status)
            }
            Err(PostError::NoListener) => MessageOutcome::Dropped,
            Err(PostError::Broken) => MessageOutcome::Unconfirmed,
        }
    }
}
