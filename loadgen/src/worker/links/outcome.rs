//! The outcomes of messages: each message that is sent has exactly one.

use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::Instant,
};

use crate::worker::recorder::{Count, Recorder, Timing};

/// The outcome of a message that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeOutcome {
    /// The expected frame came.
    Answered,
    /// A frame came that rejects the message.
    Rejected,
    /// No answer came by the timeout.
    TimedOut,
    /// The socket ended first.
    Lost,
    /// No answer is expected.
    OneWay,
}

/// The times of a message.
#[derive(Debug, Clone, Copy)]
pub struct ExchangeTimes {
    /// The instant at which it was due.
    pub due: Instant,
    /// The instant at which it was sent.
    pub sent: Instant,
}

/// The waiting end of a message. It is released when the message has its outcome, or when the
/// message is dropped.
#[derive(Debug)]
pub enum Completion {
    /// An arrival of the open model, which counts as in flight.
    Arrival {
        /// The permit to be in flight.
        permit: OwnedSemaphorePermit,
    },
    /// A user of the closed model, who learns whether there was an answer.
    User(oneshot::Sender<bool>),
}

impl ExchangeOutcome {
    /// Counts the outcome, and times an answer.
    pub fn record(self, times: ExchangeTimes, now: Instant, recorder: &Recorder) {
        recorder.count(match self {
            Self::Answered => Count::ExchangesAnswered,
            Self::Rejected => Count::ExchangesRejected,
            Self::TimedOut => Count::ExchangesTimedOut,
            Self::Lost => Count::ExchangesLost,
            Self::OneWay => Count::ExchangesOneWay,
        });
        if self == Self::Answered {
            // Response time counts from the due time, so that a stall of the system shows in
            // full.
            let response = now.saturating_duration_since(times.due);
            let service = now.saturating_duration_since(times.sent);
            recorder.time(Timing::ExchangeResponse, response);
            recorder.time(Timing::ExchangeService, service);
        }
    }

    /// Whether a user goes on as after an answer.
    fn is_success(self) -> bool {
        matches!(self, Self::Answered | Self::OneWay)
    }
}

impl Completion {
    /// Releases the waiting end with the outcome.
    pub fn complete(self, outcome: ExchangeOutcome) {
        match self {
            Self::Arrival { permit } => drop(permit),
            // A user of a run that is over does not listen.
            Self::User(sender) => drop(sender.send(outcome.is_success())),
        }
    }
}
