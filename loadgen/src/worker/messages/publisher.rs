//! A publisher's schedule and sequence: when its next message is due, and which
//! number it has.
//!
//! ```text
//! index     0   1   2   3   4      every message that was due
//! outcome   ok  ref ok  ?   drop   accepted, refused, no answer, not sent
//! sequence  0       1   2          every message that may have gone out
//! ```
//!
//! A subscriber sees holes in the sequence alone; what nobody published is no
//! loss.

use std::time::Duration;

use highwater_scenarios::plan::PublishLoad;
use tokio::time::Instant;

use super::stamp::Stamp;
use crate::worker::{
    context::Context,
    recorder::{Count, Level, Recorder, Timing},
};

/// One publisher of a load.
#[derive(Debug, Clone)]
pub struct PublisherState {
    load: usize,
    number: u64,
    index: u64,
    sequence: u64,
    /// Since when it could have sent the next message.
    free_since: Option<Instant>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageOutcome {
    /// The system took it.
    Accepted,
    /// The system refused it: nobody has it.
    Rejected,
    /// It was sent, and nobody knows.
    Unconfirmed,
    /// It was not sent.
    Dropped,
}

impl MessageOutcome {
    /// What an HTTP status means, or that of a device's `error` frame.
    pub fn from_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Accepted,
            500 | 504 => Self::Unconfirmed,
            _ => Self::Rejected,
        }
    }
}

impl PublisherState {
    /// Publisher `number` of load `load`.
    pub fn new(load: usize, number: u64) -> Self {
        Self {
            load,
            number,
            index: 0,
            sequence: 0,
            free_since: None,
        }
    }

    /// Its topic.
    pub fn topic(&self, context: &Context) -> String {
        self.load_plan(context).topic_of(self.number)
    }

    /// When the next message is due; `None` after the last one. `steady` is the
    /// start of the steady phase.
    pub fn next_due(&self, context: &Context, steady: Instant) -> Option<Instant> {
        let load = self.load_plan(context);
        let due = load.due(self.number, self.index);
        (due < load.start + load.duration).then(|| steady + due)
    }

    /// The next message is sent now. What it waited for the last one's answer is
    /// not the harness's own lag.
    pub fn begin_publish(&self, context: &Context, due: Instant) -> OutgoingMessage {
        let recorder = &context.recorder;
        let sent = Instant::now();
        let could = self.free_since.map_or(due, |free| free.max(due));
        recorder.count(Count::MessagesScheduled);
        recorder.time(Timing::SendLag, sent.saturating_duration_since(could));
        let micros = |instant| context.clock.elapsed_at(instant).as_micros() as u64;
        let stamp = Stamp {
            load: self.load,
            publisher: self.number,
            sequence: self.sequence,
            index: self.index,
            due_us: micros(due),
            sent_us: micros(sent),
        };
        recorder.add_to_level(Level::MessagesInFlight, 1);
        OutgoingMessage {
            body: stamp.body(self.load_plan(context).size as usize),
        }
    }

    /// The message begun last has come to an end.
    pub fn finish_publish(&mut self, recorder: &Recorder, published: MessageOutcome) {
        recorder.add_to_level(Level::MessagesInFlight, -1);
        self.record_outcome(recorder, published);
        self.free_since = Some(Instant::now());
    }

    /// The next message is not sent at all.
    pub fn skip_next(&mut self, recorder: &Recorder) {
        recorder.count(Count::MessagesScheduled);
        self.record_outcome(recorder, MessageOutcome::Dropped);
    }

    /// Every message that is due by now, and before the drain, is not sent at all.
    pub fn skip_due(&mut self, context: &Context, steady: Instant) {
        let now = Instant::now();
        let drain = context.drain_at();
        let is_due = |due: Instant| due <= now && drain.is_none_or(|drain| due < drain);
        while self.next_due(context, steady).is_some_and(is_due) {
            self.skip_next(&context.recorder);
        }
    }

    /// How long an answer may take.
    pub fn timeout(&self, context: &Context) -> Duration {
        self.load_plan(context).timeout
    }

    fn record_outcome(&mut self, recorder: &Recorder, published: MessageOutcome) {
        self.index += 1;
        let (count, went_out) = match published {
            MessageOutcome::Accepted => (Count::MessagesPublished, true),
            MessageOutcome::Unconfirmed => (Count::MessagesUnconfirmed, true),
            MessageOutcome::Rejected => (Count::MessagesRejected, false),
            MessageOutcome::Dropped => (Count::MessagesDropped, false),
        };
        recorder.count(count);
        self.sequence += u64::from(went_out);
    }

    fn load_plan<'c>(&self, context: &'c Context) -> &'c PublishLoad {
        &context.plan.publish[self.load]
    }
}

/// A message that is on its way.
#[derive(Debug)]
pub struct OutgoingMessage {
    /// JSON text.
    pub body: String,
}
