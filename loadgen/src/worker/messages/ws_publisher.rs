//! A device that publishes, on its own socket, one message after the other.
//!
//! ```text
//! idle ──due──► waiting ──published, error──► idle
//!                  └──timeout, socket lost──► idle (unconfirmed)
//! ```

use tokio::time::Instant;

use super::publisher::{Published, Publisher};
use crate::worker::context::Context;

/// A publisher that is a device.
#[derive(Debug)]
pub struct Speaker {
    /// Number of its load in the plan: in ids, since several may have one topic.
    load: usize,
    publisher: Publisher,
    topic: String,
    waiting: Option<Waiting>,
    /// Messages sent, which number their ids.
    sent: u64,
}

#[derive(Debug)]
struct Waiting {
    id: String,
    until: Instant,
}

impl Speaker {
    /// Device `number` of its pool, which is publisher `number` of load `load`.
    pub fn new(context: &Context, load: usize, number: u64) -> Self {
        let publisher = Publisher::new(load, number);
        Self {
            load,
            topic: publisher.topic(context),
            publisher,
            waiting: None,
            sent: 0,
        }
    }

    /// When [`fall_due`](Self::fall_due) is to be called.
    pub fn next_due(&self, context: &Context, steady: Instant) -> Option<Instant> {
        match &self.waiting {
            Some(waiting) => Some(waiting.until),
            None if context.signals.drain.is_cancelled() => None,
            None => self.publisher.next_due(context, steady),
        }
    }

    /// The text to send now, if any.
    pub fn fall_due(&mut self, context: &Context, steady: Instant) -> Option<String> {
        let now = Instant::now();
        if self
            .waiting
            .as_ref()
            .is_some_and(|waiting| waiting.until <= now)
        {
            self.ended(context, Published::Unconfirmed);
        }
        if self.waiting.is_some() {
            return None;
        }
        if context.signals.drain.is_cancelled() {
            self.publisher.skip_due(context, steady);
            return None;
        }
        let due = self.publisher.next_due(context, steady);
        let due = due.filter(|due| *due <= now)?;
        let message = self.publisher.begin(context, due);
        self.sent += 1;
        let id = format!("{}-{}", self.load, self.sent);
        let text = format!(
            r#"{{"type":"publish","topic":"{}","id":"{id}","body":{}}}"#,
            self.topic, message.body
        );
        self.waiting = Some(Waiting {
            id,
            until: now + self.publisher.timeout(context),
        });
        Some(text)
    }

    /// The message with this id has its answer: an error's status, or none.
    pub fn answered(&mut self, context: &Context, id: &str, status: Option<u16>) {
        if self
            .waiting
            .as_ref()
            .is_some_and(|waiting| waiting.id == id)
        {
            let published = status.map_or(Published::Accepted, Published::of_status);
            self.ended(context, published);
        }
    }

    /// The socket is gone.
    pub fn lost(&mut self, context: &Context) {
        if self.waiting.is_some() {
            self.ended(context, Published::Unconfirmed);
        }
    }

    /// What was due and has not been sent, for want of a socket or because the drain
    /// came, is not published.
    pub fn skip_due(&mut self, context: &Context, steady: Instant) {
        self.publisher.skip_due(context, steady);
    }

    fn ended(&mut self, context: &Context, published: Published) {
        self.waiting = None;
        self.publisher.ended(&context.recorder, published);
    }
}
