//! A publisher that calls the HTTP interface, one message after the other.

use highwater_reports::record::FailureExample;
use tokio::time::{sleep_until, timeout};

use super::publisher::{MessageOutcome, PublisherState};
use crate::worker::{
    context::Context,
    http::{SendError, response_example, send_to_listener},
    http_clients::HttpClients,
};

/// Publishes the messages of publisher `number` of load number `load` until all are
/// published or the drain begins.
pub async fn run(context: &Context, clients: &HttpClients, load: usize, number: u64) {
    let Some(steady) = context.signals.wait_steady_start().await else {
        return;
    };
    let mut publisher = PublisherState::new(load, number);
    let plan = publisher.plan(context);
    let mut sender = MessageSender {
        context,
        clients,
        topic: plan.topic_of(number),
        next_address: number as usize,
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
        let body = publisher.begin_publish(context, due);
        let sent = timeout(plan.timeout, sender.send(&body)).await;
        // Without an answer in time: subscribers may get the message all the same.
        let outcome = sent.unwrap_or(MessageOutcome::Unconfirmed);
        publisher.finish_publish(&context.recorder, outcome);
    }
}

/// The sending end of a publisher.
struct MessageSender<'a> {
    context: &'a Context,
    clients: &'a HttpClients,
    topic: String,
    /// Number of the address to use, modulo their count. It stays as long as that node
    /// listens: only messages through one node keep their order.
    next_address: usize,
}

impl MessageSender<'_> {
    async fn send(&mut self, body: &str) -> MessageOutcome {
        let Some(request) = self.context.dialect.publish_request(&self.topic, body) else {
            return MessageOutcome::Dropped;
        };
        let addresses = self.context.addresses();
        let next = &mut self.next_address;
        match send_to_listener(self.clients, &addresses.http, next, &request).await {
            Ok(response) => {
                let outcome = MessageOutcome::from_status(response.status().as_u16());
                // Read to its end, so that the client keeps the connection.
                let example = response_example(response).await;
                self.record(outcome, example)
            }
            // Nothing was sent, so that the sequence keeps its number for the next message.
            Err(SendError::NoListener(example)) => self.record(MessageOutcome::Dropped, example),
            Err(SendError::Broken(example)) => self.record(MessageOutcome::Unconfirmed, example),
        }
    }

    /// Keeps the example of an outcome that is a failure.
    fn record(&self, outcome: MessageOutcome, example: FailureExample) -> MessageOutcome {
        outcome.record_example(self.context, || example);
        outcome
    }
}
