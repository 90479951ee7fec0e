//! A device that publishes, on its own socket, one message after the other.
//!
//! ```text
//! idle ──due──► waiting ──published, error──► idle
//!                  └──timeout, socket lost──► idle (unconfirmed)
//! ```

use tokio::time::Instant;

use super::publisher::{MessageOutcome, PublisherState};
use crate::worker::context::Context;

/// A publisher that is a device.
#[derive(Debug)]
pub struct WsPublisher {
    /// Number of its load in the plan: in ids, since several may have one topic.
    load: usize,
    publisher: PublisherState,
    topic: String,
    pending: Option<PendingAnswer>,
    /// Messages sent, which number their ids.
    sent_count: u64,
}

#[derive(Debug)]
struct PendingAnswer {
    id: String,
    until: Instant,
}

impl WsPublisher {
    /// Device `number` of its pool, which is publisher `number` of load `load`.
    pub fn new(context: &Context, load: usize, number: u64) -> Self {
        let publisher = PublisherState::new(load, number);
        Self {
            load,
            topic: publisher.topic(context),
            publisher,
            pending: None,
            sent_count: 0,
        }
    }

    /// When [`fall_due`](Self::fall_due) is to be called.
    pub fn next_due(&self, context: &Context, steady: Instant) -> Option<Instant> {
        match &self.pending {
            Some(waiting) => Some(waiting.until),
            None if context.signals.drain.is_cancelled() => None,
            None => self.publisher.next_due(context, steady),
        }
    }

    /// The text to send now, if any.
    pub fn next_frame(&mut self, context: &Context, steady: Instant) -> Option<String> {
        let now = Instant::now();
        if self
            .pending
            .as_ref()
            .is_some_and(|waiting| waiting.until <= now)
        {
            self.finish_publish(context, MessageOutcome::Unconfirmed);
        }
        if self.pending.is_some() {
            return None;
        }
        if context.signals.drain.is_cancelled() {
            self.publisher.skip_due(context, steady);
            return None;
        }
        let due = self.publisher.next_due(context, steady);
        let due = due.filter(|due| *due <= now)?;
        let message = self.publisher.begin_publish(context, due);
        self.sent_count += 1;
        let id = format!("{}-{}", self.load, self.sent_count);
        let text = format!(
            r#"{{"type":"publish","topic":"{}","id":"{id}","body":{}}}"#,
            self.topic, message.body
        );
        self.pending = Some(PendingAnswer {
            id,
            until: now + self.publisher.timeout(context),
        });
        Some(text)
    }

    /// The message with this id has its answer: an error's status, or none.
    pub fn on_publish_answer(&mut self, context: &Context, id: &str, status: Option<u16>) {
        if self
            .pending
            .as_ref()
            .is_some_and(|waiting| waiting.id == id)
        {
            let published = status.map_or(MessageOutcome::Accepted, MessageOutcome::from_status);
            self.finish_publish(context, published);
        }
    }

    /// The socket is gone.
    pub fn on_close(&mut self, context: &Context) {
        if self.pending.is_some() {
            self.finish_publish(context, MessageOutcome::Unconfirmed);
        }
    }

    /// What was due and has not been sent, for want of a socket or because the drain
    /// came, is not published.
    pub fn skip_due(&mut self, context: &Context, steady: Instant) {
        self.publisher.skip_due(context, steady);
    }

    fn finish_publish(&mut self, context: &Context, published: MessageOutcome) {
        self.pending = None;
        self.publisher.finish_publish(&context.recorder, published);
    }
}
