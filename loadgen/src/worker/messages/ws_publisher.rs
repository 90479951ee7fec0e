//! A publisher that is a device: it publishes on its own socket, one message after the
//! other.
//!
//! ```text
//! idle ──due──► pending ──published, error──► idle
//!                  └──timeout, socket lost──► idle (unconfirmed)
//! ```

use highwater_reports::record::FailureExample;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::publisher::{MessageOutcome, PublisherState};
use crate::{
    keys::LoadItemKey,
    worker::{context::Context, http::status_text},
};

/// A publisher on a device's socket.
#[derive(Debug)]
pub struct WsPublisher {
    /// The schedule and sequence.
    pub state: PublisherState,
    topic: String,
    pending: Option<PendingAnswer>,
    /// Messages sent, which number their keys.
    sent_count: u64,
}

/// A message whose answer has not come.
#[derive(Debug, Clone, Copy)]
struct PendingAnswer {
    key: LoadItemKey,
    until: Instant,
}

impl WsPublisher {
    /// Creates publisher `number` of load `load`, which is device `number` of its pool.
    pub fn new(context: &Context, load: usize, number: u64) -> Self {
        let state = PublisherState::new(load, number);
        Self {
            topic: state.plan(context).topic_of(number),
            state,
            pending: None,
            sent_count: 0,
        }
    }

    /// Returns when [`next_frame`](Self::next_frame) is to be called.
    pub fn next_due(&self, context: &Context, steady: Instant) -> Option<Instant> {
        match &self.pending {
            Some(pending) => Some(pending.until),
            None if context.signals.drain.is_cancelled() => None,
            None => self.state.next_due(context, steady),
        }
    }

    /// Returns the frame to send now, if a message is due.
    pub fn next_frame(&mut self, context: &Context, steady: Instant) -> Option<Message> {
        let now = Instant::now();
        if self.pending.is_some_and(|pending| pending.until <= now) {
            self.finish_publish(context, MessageOutcome::Unconfirmed);
        }
        if self.pending.is_some() {
            return None;
        }
        if context.signals.drain.is_cancelled() {
            self.state.skip_due(context, steady);
            return None;
        }
        let due = self.state.next_due(context, steady);
        let due = due.filter(|due| *due <= now)?;
        let body = self.state.begin_publish(context, due);
        self.sent_count += 1;
        let key = LoadItemKey {
            load: self.state.load,
            number: self.sent_count,
        };
        self.pending = Some(PendingAnswer {
            key,
            until: now + self.state.plan(context).timeout,
        });
        context.dialect.publish_frame(&self.topic, key, &body)
    }

    /// Takes in the answer to the message of `key`: the status of an error, or none.
    pub fn on_publish_answer(&mut self, context: &Context, key: LoadItemKey, status: Option<u16>) {
        // An answer that comes after its timeout belongs to no pending message.
        if self.pending.is_some_and(|pending| pending.key == key) {
            let outcome = status.map_or(MessageOutcome::Accepted, MessageOutcome::from_status);
            outcome.record_example(context, || FailureExample {
                status: status.map(|status| status_text(status, "")),
                ..FailureExample::default()
            });
            self.finish_publish(context, outcome);
        }
    }

    /// Gives up on a pending answer, because the socket that would bring it has ended.
    pub fn on_close(&mut self, context: &Context) {
        if self.pending.is_some() {
            self.finish_publish(context, MessageOutcome::Unconfirmed);
        }
    }

    fn finish_publish(&mut self, context: &Context, outcome: MessageOutcome) {
        self.pending = None;
        self.state.finish_publish(&context.recorder, outcome);
    }
}
