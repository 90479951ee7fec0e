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
/// Shortest pause before a refused reading is sent again, whatever the node says: or
/// one that refuses everything would be asked as fast as it answers.
const LEAST_RETRY: Duration = Duration::from_millis(50);
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
    /// Memory that a device takes at most for its readings in `loads` loads, in bytes.
    pub fn most_bytes(loads: u64) -> u64 {
        let own = loads * size_of::<Own>() as u64;
        (size_of::<Self>() + WINDOW * size_of::<Open>()) as u64 + own
    }

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
                self.open[at].state = State::Again(now + retry.max(LEAST_RETRY));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use highwater_scenarios::Segment;
    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        access::{Access, Doorway},
        clock::RunClock,
        endpoints::Endpoints,
        worker::context::Signals,
    };

    /// Twenty readings a second of one device.
    const PLAN: &str = r#"
        name = "r"
        duration = "1h"
        [cluster]
        consumers = 1
        [[devices]]
        name = "home"
        count = 1
        ramp = "1/s"
        [[readings]]
        rate = "20/s"
    "#;

    /// In the steady phase since a second ago.
    fn context() -> Context {
        let plan = highwater_scenarios::parse("r.toml", PLAN, &[]);
        let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
        let ramp = Instant::now() - Duration::from_secs(1);
        let (_, steady) = watch::channel(Some(ramp));
        Context::new(
            plan,
            Segment::whole(),
            Endpoints::default(),
            Doorway::new(&Access::default()).expect("no certificates"),
            RunClock::starting_at(ramp),
            Signals {
                ramp,
                steady,
                drain: CancellationToken::new(),
                close: CancellationToken::new(),
            },
        )
    }

    fn upstream(context: &Context) -> Box<Upstream> {
        Upstream::of(context, &context.plan.devices[0], 0).expect("the pool sends readings")
    }

    /// Ids of all that is sent now.
    fn sent(upstream: &mut Upstream, context: &Context) -> Vec<String> {
        let frames = std::iter::from_fn(|| upstream.next_frame(context));
        let id = |frame: String| frame.split('"').nth(7).map(str::to_owned);
        frames.filter_map(id).collect()
    }

    fn ids(numbers: std::ops::Range<u64>) -> Vec<String> {
        numbers.map(|number| format!("0-{number}")).collect()
    }

    #[tokio::test]
    async fn no_more_than_a_window_goes_out_before_the_first_answer() {
        let context = context();
        let mut upstream = upstream(&context);
        assert_eq!(sent(&mut upstream, &context), ids(0..16));
        assert_eq!(sent(&mut upstream, &context), ids(0..0));
        upstream.answered(&context, "0-3", Verdict::Accepted);
        // Answered twice is answered once.
        upstream.answered(&context, "0-3", Verdict::Accepted);
        assert_eq!(sent(&mut upstream, &context), ids(16..17));
        assert!(!upstream.is_settled());

        let counted: BTreeMap<String, u64> = context.recorder.take().counters.into_iter().collect();
        assert_eq!(counted[counter::READINGS_SENT], 17);
        assert_eq!(counted[counter::READINGS_ACCEPTED], 1);
        assert!(counted[counter::READINGS_DUE] >= 20);
    }

    #[tokio::test]
    async fn a_node_that_refuses_is_not_asked_again_at_once() {
        let context = context();
        let mut upstream = upstream(&context);
        sent(&mut upstream, &context);
        let before = Instant::now();
        let refused = Verdict::Refused {
            reason: "full".to_owned(),
            retry: Duration::ZERO,
        };
        upstream.answered(&context, "0-0", refused);
        let State::Again(at) = upstream.open[0].state else {
            panic!("{:?}", upstream.open[0]);
        };
        assert!(at >= before + LEAST_RETRY);
        assert_eq!(upstream.wake_at(&context), Some(at));
    }

    #[tokio::test]
    async fn what_a_lost_socket_left_open_is_sent_again_and_told_of_in_the_end() {
        let context = context();
        let mut upstream = upstream(&context);
        sent(&mut upstream, &context);
        upstream.answered(&context, "0-15", Verdict::Accepted);
        upstream.connected();
        assert_eq!(
            sent(&mut upstream, &context),
            ids(0..15)
                .into_iter()
                .chain(ids(16..17))
                .collect::<Vec<_>>()
        );
        for number in 0..14 {
            upstream.answered(&context, &format!("0-{number}"), Verdict::Accepted);
        }
        let mut left = upstream.finish(&context);
        left[0].open.sort_unstable();
        assert_eq!(
            left,
            [Unaccepted {
                load: 0,
                device: 0,
                first_unsent: 17,
                open: vec![14, 16],
            }]
        );
    }
}
