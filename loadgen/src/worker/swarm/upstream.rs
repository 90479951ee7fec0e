//! One device's readings: what is due, what is under way, what is to be sent again.
//!
//! ```text
//!        due            sent                      accepted
//! (plan) ───► to send ───────► without an answer ──────────► done
//!                ▲                    │
//!                └────────────────────┘ refused: after its pause; socket lost: at once
//! ```
//!
//! A reading that is due while the socket is closed, or while too many are without an
//! answer, waits and keeps its due time.

use std::time::Duration;

use highwater_reports::record::names::counter;
use highwater_scenarios::plan::{DevicePool, ReadingLoad};
use tokio::time::Instant;

use crate::{
    control::Unaccepted,
    worker::{
        context::Context,
        recorder::{Count, Level, Timing},
    },
};

/// Readings of a device without an answer, as many as the reference node takes.
const WINDOW: usize = 16;
/// How often a device looks whether the start of the steady phase is known; it is
/// announced two seconds ahead.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The readings of one device that has some to send.
#[derive(Debug)]
pub struct Upstream {
    device: u64,
    loads: Vec<Own>,
    open: Vec<Open>,
    /// When the steady phase starts, once that is known.
    steady: Option<Instant>,
    /// Readings are due until then, from the start of the steady phase.
    until: Duration,
    /// Since when nothing but the schedule held a reading back.
    free_since: Instant,
}

/// The device's own readings in one load.
#[derive(Debug, Clone, Copy)]
struct Own {
    /// Number of the load in the plan.
    load: usize,
    /// Readings whose time has come.
    due: u64,
    /// Readings sent at least once.
    sent: u64,
}

/// A reading that was sent and is not accepted.
#[derive(Debug, Clone, Copy)]
struct Open {
    load: usize,
    /// Its number in the load.
    number: u64,
    due: Instant,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Sent(Instant),
    /// To be sent again, not before this.
    Again(Instant),
}

/// What a node says to a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The queue has it.
    Accepted,
    /// It is still the device's.
    Refused {
        /// Why, in a word.
        reason: String,
        /// When to send it again.
        retry: Duration,
    },
}

impl Upstream {
    /// For device `device` of `pool`; `None` when it sends nothing.
    pub fn of(context: &Context, pool: &DevicePool, device: u64) -> Option<Box<Self>> {
        let plan = &context.plan;
        let loads = plan.readings.iter().enumerate();
        let loads: Vec<Own> = loads
            .filter(|(_, load)| load.pool == pool.name)
            .map(|(load, _)| Own {
                load,
                due: 0,
                sent: 0,
            })
            .collect();
        (!loads.is_empty()).then(|| {
            Box::new(Self {
                device,
                loads,
                open: Vec::new(),
                steady: None,
                until: plan.duration,
                free_since: Instant::now(),
            })
        })
    }

    /// When there may be something to do; `None` when only answers are waited for.
    pub fn wake_at(&self, context: &Context) -> Option<Instant> {
        let Some(steady) = self.steady else {
            return Some(Instant::now() + LOOK_EVERY);
        };
        let again = self.open.iter().filter_map(|open| match open.state {
            State::Again(at) => Some(at),
            State::Sent(_) => None,
        });
        let loads = &context.plan.readings;
        let due = self.loads.iter().filter_map(|own| {
            let load = &loads[own.load];
            // What is due already waits for room, which an answer makes.
            let next = match own.sent < own.due {
                true if self.has_room() => own.sent,
                true => return None,
                false => own.due,
            };
            let due = load.due(load.number(self.device, next));
            (due < self.until).then_some(steady + due)
        });
        again.chain(due).min()
    }

    /// The frame of a reading that is to be sent now. To be asked until there is none.
    pub fn next_frame(&mut self, context: &Context) -> Option<String> {
        let now = Instant::now();
        self.advance(context, now);
        let (load, number) = self
            .take_again(context, now)
            .or_else(|| self.take_due(context, now))?;
        Some(frame(load, number, context.plan.readings[load].size))
    }

    /// A node has answered to the reading of that id.
    pub fn answered(&mut self, context: &Context, id: &str, verdict: Verdict) {
        let Some(at) = parse_id(id).and_then(|(load, number)| {
            let same = |open: &Open| (open.load, open.number) == (load, number);
            self.open.iter().position(same)
        }) else {
            // Accepted before: the same reading was sent twice.
            return;
        };
        let recorder = &context.recorder;
        let now = Instant::now();
        match verdict {
            Verdict::Accepted => {
                let open = self.open.swap_remove(at);
                if self.open.len() + 1 == WINDOW {
                    self.free_since = now;
                }
                recorder.count(Count::ReadingsAccepted);
                recorder.shift(Level::ReadingsPending, -1);
                recorder.time(
                    Timing::ReadingResponse,
                    now.saturating_duration_since(open.due),
                );
                if let State::Sent(sent) = open.state {
                    recorder.time(Timing::ReadingService, now.saturating_duration_since(sent));
                }
            }
            Verdict::Refused { reason, retry } => {
                recorder.count(Count::ReadingsRefused);
                recorder.count_kind(counter::READINGS_REFUSED, &reason);
                self.open[at].state = State::Again(now + retry);
            }
        }
    }

    /// A socket is open: what had no answer on the last one is sent again.
    pub fn connected(&mut self) {
        let now = Instant::now();
        self.free_since = now;
        for open in &mut self.open {
            open.state = State::Again(now);
        }
    }

    /// Whether nothing that was due lacks its acceptance.
    pub fn is_settled(&self) -> bool {
        self.open.is_empty() && self.loads.iter().all(|own| own.sent == own.due)
    }

    /// The device lives no longer: what it was not told is accepted.
    pub fn finish(mut self, context: &Context) -> Vec<Unaccepted> {
        self.advance(context, Instant::now());
        let loads = &context.plan.readings;
        let left = self.loads.iter().filter_map(|own| {
            let load = &loads[own.load];
            let of_this = self.open.iter().filter(|open| open.load == own.load);
            let open: Vec<u64> = of_this.map(|open| open.number).collect();
            let first_unsent = load.number(self.device, own.sent);
            let all_sent = load.due(first_unsent) >= context.plan.duration;
            (!all_sent || !open.is_empty()).then_some(Unaccepted {
                load: own.load as u32,
                device: self.device,
                first_unsent,
                open,
            })
        });
        left.collect()
    }

    fn has_room(&self) -> bool {
        self.open.len() < WINDOW
    }

    /// Counts what has fallen due by `now`.
    fn advance(&mut self, context: &Context, now: Instant) {
        if self.steady.is_none() {
            self.steady = *context.signals.steady.borrow();
        }
        let Some(steady) = self.steady else {
            return;
        };
        if context.signals.drain.is_cancelled() {
            let ended = now.saturating_duration_since(steady);
            self.until = self.until.min(ended);
        }
        for own in &mut self.loads {
            let load = &context.plan.readings[own.load];
            loop {
                let due = load.due(load.number(self.device, own.due));
                if due >= self.until || steady + due > now {
                    break;
                }
                own.due += 1;
                context.recorder.count(Count::ReadingsDue);
                context.recorder.shift(Level::ReadingsPending, 1);
            }
        }
    }

    fn take_again(&mut self, context: &Context, now: Instant) -> Option<(usize, u64)> {
        let waits = |open: &&mut Open| matches!(open.state, State::Again(at) if at <= now);
        let open = self.open.iter_mut().find(waits)?;
        open.state = State::Sent(now);
        context.recorder.count(Count::ReadingsResent);
        Some((open.load, open.number))
    }

    /// The earliest that is due, of all loads.
    fn take_due(&mut self, context: &Context, now: Instant) -> Option<(usize, u64)> {
        if !self.has_room() {
            return None;
        }
        let steady = self.steady?;
        let device = self.device;
        let next = |own: &Own| {
            let load: &ReadingLoad = &context.plan.readings[own.load];
            let number = load.number(device, own.sent);
            (load.due(number), number)
        };
        let due = self.loads.iter_mut().filter(|own| own.sent < own.due);
        let own = due.min_by_key(|own| next(own).0)?;
        let (due, number) = next(own);
        own.sent += 1;
        let (load, due) = (own.load, steady + due);
        self.open.push(Open {
            load,
            number,
            due,
            state: State::Sent(now),
        });
        context.recorder.count(Count::ReadingsSent);
        if due >= self.free_since {
            let lag = now.saturating_duration_since(due);
            context.recorder.time(Timing::SendLag, lag);
        }
        Some((load, number))
    }
}

/// `LOAD-NUMBER`: what the journals are read by.
fn frame(load: usize, number: u64, size: u64) -> String {
    let body = "x".repeat(usize::try_from(size).unwrap_or(0).saturating_sub(2));
    format!(r#"{{"type":"reading","id":"{load}-{number}","body":"{body}"}}"#)
}

fn parse_id(id: &str) -> Option<(usize, u64)> {
    let (load, number) = id.split_once('-')?;
    Some((load.parse().ok()?, number.parse().ok()?))
}
