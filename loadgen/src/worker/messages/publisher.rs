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
pub struct Publisher {
    load: usize,
    number: u64,
    index: u64,
    sequence: u64,
    /// Since when it could have sent the next message.
    free: Option<Instant>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// The system took it.
    Accepted,
    /// The system refused it: nobody has it.
    Rejected,
    /// It was sent, and nobody knows.
    Unconfirmed,
    /// It was not sent.
    Dropped,
}

impl Published {
    /// What an HTTP status means, or that of a device's `error` frame.
    pub fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Accepted,
            500 | 504 => Self::Unconfirmed,
            _ => Self::Rejected,
        }
    }
}

impl Publisher {
    /// Publisher `number` of load `load`.
    pub fn new(load: usize, number: u64) -> Self {
        Self {
            load,
            number,
            index: 0,
            sequence: 0,
            free: None,
        }
    }

    /// Its topic.
    pub fn topic(&self, context: &Context) -> String {
        self.plan(context).topic_of(self.number)
    }

    /// When the next message is due; `None` after the last one. `steady` is the
    /// start of the steady phase.
    pub fn next_due(&self, context: &Context, steady: Instant) -> Option<Instant> {
        let load = self.plan(context);
        let due = load.due(self.number, self.index);
        (due < load.start + load.duration).then(|| steady + due)
    }

    /// The next message is sent now. What it waited for the last one's answer is
    /// not the harness's own lag.
    pub fn begin(&self, context: &Context, due: Instant) -> Message {
        let recorder = &context.recorder;
        let sent = Instant::now();
        let could = self.free.map_or(due, |free| free.max(due));
        recorder.count(Count::MessagesScheduled);
        recorder.time(Timing::SendLag, sent.saturating_duration_since(could));
        let micros = |instant| context.clock.at(instant).as_micros() as u64;
        let stamp = Stamp {
            load: self.load,
            publisher: self.number,
            sequence: self.sequence,
            index: self.index,
            due_us: micros(due),
            sent_us: micros(sent),
        };
        recorder.shift(Level::MessagesInFlight, 1);
        Message {
            body: stamp.body(self.plan(context).size as usize),
        }
    }

    /// The message begun last has come to an end.
    pub fn ended(&mut self, recorder: &Recorder, published: Published) {
        recorder.shift(Level::MessagesInFlight, -1);
        self.count(recorder, published);
        self.free = Some(Instant::now());
    }

    /// The next message is not sent at all.
    pub fn skip(&mut self, recorder: &Recorder) {
        recorder.count(Count::MessagesScheduled);
        self.count(recorder, Published::Dropped);
    }

    /// Every message that is due by now, and before the drain, is not sent at all.
    pub fn skip_due(&mut self, context: &Context, steady: Instant) {
        let now = Instant::now();
        let drain = context.drain_at();
        let is_due = |due: Instant| due <= now && drain.is_none_or(|drain| due < drain);
        while self.next_due(context, steady).is_some_and(is_due) {
            self.skip(&context.recorder);
        }
    }

    /// How long an answer may take.
    pub fn timeout(&self, context: &Context) -> Duration {
        self.plan(context).timeout
    }

    fn count(&mut self, recorder: &Recorder, published: Published) {
        self.index += 1;
        let (count, went_out) = match published {
            Published::Accepted => (Count::MessagesPublished, true),
            Published::Unconfirmed => (Count::MessagesUnconfirmed, true),
            Published::Rejected => (Count::MessagesRejected, false),
            Published::Dropped => (Count::MessagesDropped, false),
        };
        recorder.count(count);
        self.sequence += u64::from(went_out);
    }

    fn plan<'c>(&self, context: &'c Context) -> &'c PublishLoad {
        &context.plan.publish[self.load]
    }
}

/// A message that is on its way.
#[derive(Debug)]
pub struct Message {
    /// JSON text.
    pub body: String,
}
