//! A publisher's schedule and sequence: when its next message is due, and which numbers
//! it carries.
//!
//! ```text
//! index     0         1         2         3            4         every message that was due
//! outcome   accepted  rejected  accepted  unconfirmed  dropped
//! sequence  0                   1         2                      every message that may have gone out
//! ```
//!
//! A subscriber looks for holes in the sequence alone: a message that was never published
//! is not lost.

use highwater_reports::record::{FailureExample, names::counter};
use highwater_scenarios::plan::PublishLoad;
use tokio::time::Instant;

use super::stamp::Stamp;
use crate::worker::{
    context::Context,
    recorder::{Count, Level, Recorder, Timing},
};

/// The state of one publisher of a load.
#[derive(Debug, Clone)]
pub struct PublisherState {
    /// Number of the load in the plan.
    pub load: usize,
    number: u64,
    index: u64,
    sequence: u64,
    /// The instant at which the message that was begun last was due.
    due: Option<Instant>,
    /// The instant at which the last message had its outcome.
    free_since: Option<Instant>,
}

/// The outcome of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageOutcome {
    /// The system accepted the message.
    Accepted,
    /// The system rejected the message: no subscriber gets it.
    Rejected,
    /// The message was sent and had no answer: subscribers may get it.
    Unconfirmed,
    /// The message was not sent.
    Dropped,
}

impl MessageOutcome {
    /// Returns the outcome that an HTTP status stands for, or the status of a device's
    /// `error` frame.
    pub fn from_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Accepted,
            // The node failed or gave up while it handed the message on.
            500 | 504 => Self::Unconfirmed,
            _ => Self::Rejected,
        }
    }

    /// Whether a subscriber may get the message.
    fn may_be_delivered(self) -> bool {
        matches!(self, Self::Accepted | Self::Unconfirmed)
    }

    /// Keeps an example of a failure to publish.
    pub fn record_example(self, context: &Context, example: impl FnOnce() -> FailureExample) {
        let counter = match self {
            Self::Accepted => return,
            Self::Rejected => counter::MESSAGES_REJECTED,
            Self::Unconfirmed => counter::MESSAGES_UNCONFIRMED,
            Self::Dropped => counter::MESSAGES_DROPPED,
        };
        context.failure_examples.record(counter, example);
    }

    fn counter(self) -> Count {
        match self {
            Self::Accepted => Count::MessagesPublished,
            Self::Unconfirmed => Count::MessagesUnconfirmed,
            Self::Rejected => Count::MessagesRejected,
            Self::Dropped => Count::MessagesDropped,
        }
    }
}

impl PublisherState {
    /// Creates publisher `number` of load `load` before its first message.
    pub fn new(load: usize, number: u64) -> Self {
        Self {
            load,
            number,
            index: 0,
            sequence: 0,
            due: None,
            free_since: None,
        }
    }

    /// Returns the publisher's load.
    pub fn plan<'c>(&self, context: &'c Context) -> &'c PublishLoad {
        &context.plan.publish[self.load]
    }

    /// Returns when the next message is due; `None` after the last one. `steady` is the
    /// start of the steady phase.
    pub fn next_due(&self, context: &Context, steady: Instant) -> Option<Instant> {
        let load = self.plan(context);
        let due = load.due(self.number, self.index);
        (due < load.start + load.duration).then(|| steady + due)
    }

    /// Begins to publish the next message, which counts as sent now. Returns its body, which
    /// is JSON text.
    pub fn begin_publish(&mut self, context: &Context, due: Instant) -> String {
        let recorder = &context.recorder;
        let sent = Instant::now();
        // A message waits for the answer to the last one. That wait is the system's, not
        // the harness's, so that send lag counts from its end.
        let sendable_at = self.free_since.map_or(due, |free| free.max(due));
        recorder.count(Count::MessagesScheduled);
        recorder.time(Timing::SendLag, sent.saturating_duration_since(sendable_at));
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
        self.due = Some(due);
        stamp.body(self.plan(context).size as usize)
    }

    /// Records the outcome of the message begun last.
    pub fn finish_publish(&mut self, recorder: &Recorder, outcome: MessageOutcome) {
        recorder.add_to_level(Level::MessagesInFlight, -1);
        self.record_outcome(recorder, outcome);
        let now = Instant::now();
        if let (MessageOutcome::Accepted, Some(due)) = (outcome, self.due) {
            let response = now.saturating_duration_since(due);
            recorder.time(Timing::MessageResponse, response);
        }
        self.free_since = Some(now);
    }

    /// Drops every message that is due by now and was due before the drain.
    pub fn skip_due(&mut self, context: &Context, steady: Instant) {
        let now = Instant::now();
        let drain = context.drain_at();
        let is_due = |due: Instant| due <= now && drain.is_none_or(|drain| due < drain);
        while self.next_due(context, steady).is_some_and(is_due) {
            context.recorder.count(Count::MessagesScheduled);
            self.record_outcome(&context.recorder, MessageOutcome::Dropped);
        }
    }

    fn record_outcome(&mut self, recorder: &Recorder, outcome: MessageOutcome) {
        recorder.count(outcome.counter());
        self.index += 1;
        self.sequence += u64::from(outcome.may_be_delivered());
    }
}
