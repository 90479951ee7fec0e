//! A publisher that calls the HTTP interface, one message after the other.

use reqwest::{Client, header};
use tokio::time::{sleep_until, timeout};

use super::publisher::{MessageOutcome, PublisherState};
use crate::worker::{commands::reply::rest, context::Context};

/// Publishes the messages of publisher `number` of load `load` until they are
/// all published or the drain begins.
pub async fn run_http_publisher(context: &Context, client: &Client, load: usize, number: u64) {
    let Some(steady) = context.signals.wait_steady_start().await else {
        return;
    };
    let mut publisher = PublisherState::new(load, number);
    let mut call = HttpPublisher::new(context, client, &publisher, number);
    while let Some(due) = publisher.next_due(context, steady) {
        tokio::select! {
            biased;
            () = context.signals.drain.cancelled() => {
                publisher.skip_due(context, steady);
                return;
            }
            () = sleep_until(due) => {}
        }
        let message = publisher.begin_publish(context, due);
        let answer = timeout(publisher.timeout(context), call.publish(&message.body));
        let published = answer.await.unwrap_or(MessageOutcome::Unconfirmed);
        publisher.finish_publish(&context.recorder, published);
    }
}

/// Where messages go. A publisher keeps to one node for as long as that listens:
/// only so is their order promised.
struct HttpPublisher<'a> {
    context: &'a Context,
    client: &'a Client,
    path: String,
    /// Number of its address, modulo their number.
    address_index: usize,
}

impl<'a> HttpPublisher<'a> {
    fn new(
        context: &'a Context,
        client: &'a Client,
        publisher: &PublisherState,
        number: u64,
    ) -> Self {
        Self {
            context,
            client,
            path: format!("/topics/{}/messages", publisher.topic(context)),
            address_index: number as usize,
        }
    }

    /// Tries the next address only when nobody listens at the last: then nothing
    /// was sent.
    async fn publish(&mut self, body: &str) -> MessageOutcome {
        let endpoints = self.context.endpoints();
        for _ in 0..endpoints.http.len() {
            let base = &endpoints.http[self.address_index % endpoints.http.len()];
            match self.post(base, body).await {
                Ok(published) => return published,
                Err(error) if error.is_connect() => {
                    self.address_index = self.address_index.wrapping_add(1)
                }
                Err(_) => return MessageOutcome::Unconfirmed,
            }
        }
        MessageOutcome::Dropped
    }

    async fn post(&self, base: &str, body: &str) -> reqwest::Result<MessageOutcome> {
        let response = self
            .client
            .post(format!("{}{}", base.trim_end_matches('/'), self.path))
            .header(header::CONTENT_TYPE, "application/json")
            .body(format!(r#"{{"body":{body}}}"#))
            .send()
            .await?;
        let status = response.status();
        // Read to its end, so that the connection can be used again.
        let _ = rest::read_body(response).await;
        Ok(MessageOutcome::from_status(status.as_u16()))
    }
}
