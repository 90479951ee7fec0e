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
use highwater_scenarios::plan::{DevicePool, TelemetryLoad};
use tokio::time::Instant;

use crate::{
    control::UnacceptedTelemetry,
    worker::{
        context::Context,
        recorder::{Count, Level, Timing},
    },
};

/// Readings of a device without an answer, as many as the reference node takes.
const MAX_UNACKED: usize = 16;
/// Shortest pause before a refused reading is sent again, whatever the node says: or
/// one that refuses everything would be asked as fast as it answers.
const MIN_RETRY_DELAY: Duration = Duration::from_millis(50);
/// How often a device looks whether the start of the steady phase is known; it is
/// announced two seconds ahead.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The readings of one device that has some to send.
#[derive(Debug)]
pub struct TelemetrySender {
    device: u64,
    cursors: Vec<LoadCursor>,
    unacked: Vec<UnackedTelemetry>,
    /// When the steady phase starts, once that is known.
    steady: Option<Instant>,
    /// Readings are due until then, from the start of the steady phase.
    due_until: Duration,
    /// Since when nothing but the schedule held a reading back.
    free_since: Instant,
}

/// The device's own readings in one load.
#[derive(Debug, Clone, Copy)]
struct LoadCursor {
    /// Number of the load in the plan.
    load: usize,
    /// Readings whose time has come.
    due: u64,
    /// Readings sent at least once.
    sent: u64,
}

/// A reading that was sent and is not accepted.
#[derive(Debug, Clone, Copy)]
struct UnackedTelemetry {
    load: usize,
    /// Its number in the load.
    number: u64,
    due: Instant,
    state: TelemetryState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TelemetryState {
    Sent(Instant),
    /// To be sent again, not before this.
    RetryAt(Instant),
}

/// What a node says to a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TelemetryAck {
    /// The queue has it.
    Accepted,
    /// It is still the device's.
    Rejected {
        /// Why, in a word.
        reason: String,
        /// When to send it again.
        retry: Duration,
    },
}

impl TelemetrySender {
    /// Memory that a device takes at most for its readings in `loads` loads, in bytes.
    pub fn max_bytes(loads: u64) -> u64 {
        let own = loads * size_of::<LoadCursor>() as u64;
        (size_of::<Self>() + MAX_UNACKED * size_of::<UnackedTelemetry>()) as u64 + own
    }

    /// For device `device` of `pool`; `None` when it sends nothing.
    pub fn for_device(context: &Context, pool: &DevicePool, device: u64) -> Option<Box<Self>> {
        let plan = &context.plan;
        let loads = plan.telemetry.iter().enumerate();
        let loads: Vec<LoadCursor> = loads
            .filter(|(_, load)| load.pool == pool.name)
            .map(|(load, _)| LoadCursor {
                load,
                due: 0,
                sent: 0,
            })
            .collect();
        (!loads.is_empty()).then(|| {
            Box::new(Self {
                device,
                cursors: loads,
                unacked: Vec::new(),
                steady: None,
                due_until: plan.duration,
                free_since: Instant::now(),
            })
        })
    }

    /// When there may be something to do; `None` when only answers are waited for.
    pub fn next_wake(&self, context: &Context) -> Option<Instant> {
        let Some(steady) = self.steady else {
            return Some(Instant::now() + POLL_INTERVAL);
        };
        let again = self.unacked.iter().filter_map(|open| match open.state {
            TelemetryState::RetryAt(at) => Some(at),
            TelemetryState::Sent(_) => None,
        });
        let loads = &context.plan.telemetry;
        let due = self.cursors.iter().filter_map(|own| {
            let load = &loads[own.load];
            // What is due already waits for room, which an answer makes.
            let next = match own.sent < own.due {
                true if self.has_capacity() => own.sent,
                true => return None,
                false => own.due,
            };
            let due = load.due(load.sequence_number(self.device, next));
            (due < self.due_until).then_some(steady + due)
        });
        again.chain(due).min()
    }

    /// The frame of a reading that is to be sent now. To be asked until there is none.
    pub fn next_frame(&mut self, context: &Context) -> Option<String> {
        let now = Instant::now();
        self.count_due(context, now);
        let (load, number) = self
            .take_retry(context, now)
            .or_else(|| self.take_next_due(context, now))?;
        Some(telemetry_frame(
            load,
            number,
            context.plan.telemetry[load].size,
        ))
    }

    /// A node has answered to the reading of that id.
    pub fn on_answer(&mut self, context: &Context, id: &str, verdict: TelemetryAck) {
        let Some(at) = parse_id(id).and_then(|(load, number)| {
            let same = |open: &UnackedTelemetry| (open.load, open.number) == (load, number);
            self.unacked.iter().position(same)
        }) else {
            // Accepted before: the same reading was sent twice.
            return;
        };
        let recorder = &context.recorder;
        let now = Instant::now();
        match verdict {
            TelemetryAck::Accepted => {
                let open = self.unacked.swap_remove(at);
                if self.unacked.len() + 1 == MAX_UNACKED {
                    self.free_since = now;
                }
                recorder.count(Count::TelemetryAccepted);
                recorder.add_to_level(Level::TelemetryPending, -1);
                recorder.time(
                    Timing::TelemetryResponse,
                    now.saturating_duration_since(open.due),
                );
                if let TelemetryState::Sent(sent) = open.state {
                    recorder.time(
                        Timing::TelemetryService,
                        now.saturating_duration_since(sent),
                    );
                }
            }
            TelemetryAck::Rejected { reason, retry } => {
                recorder.count(Count::TelemetryRejected);
                recorder.count_kind(counter::TELEMETRY_REJECTED, &reason);
                self.unacked[at].state = TelemetryState::RetryAt(now + retry.max(MIN_RETRY_DELAY));
            }
        }
    }

    /// A socket is open: what had no answer on the last one is sent again.
    pub fn on_connected(&mut self) {
        let now = Instant::now();
        self.free_since = now;
        for open in &mut self.unacked {
            open.state = TelemetryState::RetryAt(now);
        }
    }

    /// Whether nothing that was due lacks its acceptance.
    pub fn all_accepted(&self) -> bool {
        self.unacked.is_empty() && self.cursors.iter().all(|own| own.sent == own.due)
    }

    /// The device lives no longer: what it was not told is accepted.
    pub fn finish(mut self, context: &Context) -> Vec<UnacceptedTelemetry> {
        self.count_due(context, Instant::now());
        let loads = &context.plan.telemetry;
        let left = self.cursors.iter().filter_map(|own| {
            let load = &loads[own.load];
            let of_this = self.unacked.iter().filter(|open| open.load == own.load);
            let open: Vec<u64> = of_this.map(|open| open.number).collect();
            let first_unsent = load.sequence_number(self.device, own.sent);
            let all_sent = load.due(first_unsent) >= context.plan.duration;
            (!all_sent || !open.is_empty()).then_some(UnacceptedTelemetry {
                load: own.load as u32,
                device: self.device,
                first_unsent,
                unacked: open,
            })
        });
        left.collect()
    }

    fn has_capacity(&self) -> bool {
        self.unacked.len() < MAX_UNACKED
    }

    /// Counts what has fallen due by `now`.
    fn count_due(&mut self, context: &Context, now: Instant) {
        if self.steady.is_none() {
            self.steady = *context.signals.steady.borrow();
        }
        let Some(steady) = self.steady else {
            return;
        };
        if context.signals.drain.is_cancelled() {
            let ended = now.saturating_duration_since(steady);
            self.due_until = self.due_until.min(ended);
        }
        for own in &mut self.cursors {
            let load = &context.plan.telemetry[own.load];
            loop {
                let due = load.due(load.sequence_number(self.device, own.due));
                if due >= self.due_until || steady + due > now {
                    break;
                }
                own.due += 1;
                context.recorder.count(Count::TelemetryDue);
                context.recorder.add_to_level(Level::TelemetryPending, 1);
            }
        }
    }

    fn take_retry(&mut self, context: &Context, now: Instant) -> Option<(usize, u64)> {
        let waits = |open: &&mut UnackedTelemetry| matches!(open.state, TelemetryState::RetryAt(at) if at <= now);
        let open = self.unacked.iter_mut().find(waits)?;
        open.state = TelemetryState::Sent(now);
        context.recorder.count(Count::TelemetryResent);
        Some((open.load, open.number))
    }

    /// The earliest that is due, of all loads.
    fn take_next_due(&mut self, context: &Context, now: Instant) -> Option<(usize, u64)> {
        if !self.has_capacity() {
            return None;
        }
        let steady = self.steady?;
        let device = self.device;
        let next = |own: &LoadCursor| {
            let load: &TelemetryLoad = &context.plan.telemetry[own.load];
            let number = load.sequence_number(device, own.sent);
            (load.due(number), number)
        };
        let due = self.cursors.iter_mut().filter(|own| own.sent < own.due);
        let own = due.min_by_key(|own| next(own).0)?;
        let (due, number) = next(own);
        own.sent += 1;
        let (load, due) = (own.load, steady + due);
        self.unacked.push(UnackedTelemetry {
            load,
            number,
            due,
            state: TelemetryState::Sent(now),
        });
        context.recorder.count(Count::TelemetrySent);
        if due >= self.free_since {
            let lag = now.saturating_duration_since(due);
            context.recorder.time(Timing::SendLag, lag);
        }
        Some((load, number))
    }
}

/// `LOAD-NUMBER`: what the journals are read by.
fn telemetry_frame(load: usize, number: u64, size: u64) -> String {
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
        access::{ClientAccess, ClientOptions},
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
        [[telemetry]]
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
            ClientOptions::new(&ClientAccess::default()).expect("no certificates"),
            RunClock::starting_at(ramp),
            Signals {
                ramp,
                steady,
                drain: CancellationToken::new(),
                close: CancellationToken::new(),
            },
        )
    }

    fn sender(context: &Context) -> Box<TelemetrySender> {
        TelemetrySender::for_device(context, &context.plan.devices[0], 0)
            .expect("the pool sends telemetry records")
    }

    /// Ids of all that is sent now.
    fn sent(upstream: &mut TelemetrySender, context: &Context) -> Vec<String> {
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
        let mut upstream = sender(&context);
        assert_eq!(sent(&mut upstream, &context), ids(0..16));
        assert_eq!(sent(&mut upstream, &context), ids(0..0));
        upstream.on_answer(&context, "0-3", TelemetryAck::Accepted);
        // Answered twice is answered once.
        upstream.on_answer(&context, "0-3", TelemetryAck::Accepted);
        assert_eq!(sent(&mut upstream, &context), ids(16..17));
        assert!(!upstream.all_accepted());

        let counted: BTreeMap<String, u64> = context
            .recorder
            .take_snapshot()
            .counters
            .into_iter()
            .collect();
        assert_eq!(counted[counter::TELEMETRY_SENT], 17);
        assert_eq!(counted[counter::TELEMETRY_ACCEPTED], 1);
        assert!(counted[counter::TELEMETRY_DUE] >= 20);
    }

    #[tokio::test]
    async fn a_node_that_refuses_is_not_asked_again_at_once() {
        let context = context();
        let mut upstream = sender(&context);
        sent(&mut upstream, &context);
        let before = Instant::now();
        let refused = TelemetryAck::Rejected {
            reason: "full".to_owned(),
            retry: Duration::ZERO,
        };
        upstream.on_answer(&context, "0-0", refused);
        let TelemetryState::RetryAt(at) = upstream.unacked[0].state else {
            panic!("{:?}", upstream.unacked[0]);
        };
        assert!(at >= before + MIN_RETRY_DELAY);
        assert_eq!(upstream.next_wake(&context), Some(at));
    }

    #[tokio::test]
    async fn what_a_lost_socket_left_open_is_sent_again_and_told_of_in_the_end() {
        let context = context();
        let mut upstream = sender(&context);
        sent(&mut upstream, &context);
        upstream.on_answer(&context, "0-15", TelemetryAck::Accepted);
        upstream.on_connected();
        assert_eq!(
            sent(&mut upstream, &context),
            ids(0..15)
                .into_iter()
                .chain(ids(16..17))
                .collect::<Vec<_>>()
        );
        for number in 0..14 {
            upstream.on_answer(&context, &format!("0-{number}"), TelemetryAck::Accepted);
        }
        let mut left = upstream.finish(&context);
        left[0].unacked.sort_unstable();
        assert_eq!(
            left,
            [UnacceptedTelemetry {
                load: 0,
                device: 0,
                first_unsent: 17,
                unacked: vec![14, 16],
            }]
        );
    }
}
