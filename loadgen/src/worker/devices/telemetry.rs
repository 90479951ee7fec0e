//! The telemetry of one device: what is due, what has no answer, what is to be sent again.
//!
//! ```text
//!        due            sent                accepted
//! (plan) ───► to send ───────► without an answer ──────► done
//!                ▲                    │
//!                └────────────────────┘ rejected: after its delay; socket lost: at once
//! ```
//!
//! A record that is due while the socket is closed, or while too many have no answer,
//! waits and keeps its due time.

use std::time::Duration;

use highwater_reports::record::names::counter;
use highwater_scenarios::plan::{DevicePool, TelemetryLoad};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    control::UnacceptedTelemetry,
    keys::LoadItemKey,
    worker::{
        context::Context,
        dialect::TelemetryAck,
        recorder::{Count, Level, Recorder, Timing},
    },
};

/// Most records of a device without an answer: the limit of the reference node, which
/// answers `busy` to more.
const MAX_UNACKED: usize = 16;
/// Shortest delay before a rejected record is sent again. Without it, a node that rejects
/// everything would get records as fast as it answers.
const MIN_RETRY_DELAY: Duration = Duration::from_millis(50);
/// Interval at which a device checks whether the start of the steady phase is known. The
/// coordinator announces it two seconds ahead.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The telemetry of one device.
#[derive(Debug)]
pub struct TelemetrySender {
    /// The device's number in its pool.
    device: u64,
    cursors: Vec<LoadCursor>,
    /// Records that were sent and are not accepted, at most [`MAX_UNACKED`].
    unacked: Vec<UnackedTelemetry>,
    /// The start of the steady phase, once it is known.
    steady: Option<Instant>,
    /// End of the time in which records are due, from the start of the steady phase.
    due_until: Duration,
    /// The instant since which only the schedule holds records back.
    free_since: Instant,
}

/// A device's position in one load.
#[derive(Debug, Clone, Copy)]
struct LoadCursor {
    /// Number of the load in the plan.
    load: usize,
    /// Records whose time has come.
    due: u64,
    /// Records that were sent at least once; never more than `due`.
    sent: u64,
}

/// A record that was sent and is not accepted.
#[derive(Debug, Clone, Copy)]
struct UnackedTelemetry {
    key: LoadItemKey,
    due: Instant,
    state: TelemetryState,
}

/// The state of a record that was sent and is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TelemetryState {
    /// Sent at this instant, without an answer yet.
    Sent(Instant),
    /// Waiting to be sent again, at this instant or later.
    RetryAt(Instant),
}

impl TelemetrySender {
    /// Returns the most memory that a device takes for telemetry in `loads` loads, in
    /// bytes.
    pub fn max_bytes(loads: u64) -> u64 {
        let cursors = loads * size_of::<LoadCursor>() as u64;
        (size_of::<Self>() + MAX_UNACKED * size_of::<UnackedTelemetry>()) as u64 + cursors
    }

    /// Creates the telemetry of device `device` of `pool`; `None` if it sends none.
    pub fn for_device(context: &Context, pool: &DevicePool, device: u64) -> Option<Box<Self>> {
        let plan = &context.plan;
        let loads = plan.telemetry.iter().enumerate();
        let cursors: Vec<LoadCursor> = loads
            .filter(|(_, load)| load.pool == pool.name)
            .map(|(load, _)| LoadCursor {
                load,
                due: 0,
                sent: 0,
            })
            .collect();
        (!cursors.is_empty()).then(|| {
            Box::new(Self {
                device,
                cursors,
                unacked: Vec::new(),
                steady: None,
                due_until: plan.duration,
                free_since: Instant::now(),
            })
        })
    }

    /// Returns when [`next_frame`](Self::next_frame) is to be called; `None` while only
    /// answers are awaited.
    pub fn next_wake(&self, context: &Context) -> Option<Instant> {
        let Some(steady) = self.steady else {
            return Some(Instant::now() + POLL_INTERVAL);
        };
        let retries = self.unacked.iter().filter_map(|record| match record.state {
            TelemetryState::RetryAt(at) => Some(at),
            TelemetryState::Sent(_) => None,
        });
        let loads = &context.plan.telemetry;
        let due = self.cursors.iter().filter_map(|cursor| {
            let load = &loads[cursor.load];
            let next = match cursor.sent < cursor.due {
                true if self.has_capacity() => cursor.sent,
                // An answer makes room for the record that is due, not the passing of time.
                true => return None,
                false => cursor.due,
            };
            let due = load.due(load.sequence_number(self.device, next));
            (due < self.due_until).then_some(steady + due)
        });
        retries.chain(due).min()
    }

    /// Returns the frame of a record to send now. The caller repeats it until it returns
    /// `None`.
    pub fn next_frame(&mut self, context: &Context) -> Option<Message> {
        let now = Instant::now();
        self.count_due(context, now);
        let key = self
            .take_retry(context, now)
            .or_else(|| self.take_next_due(context, now))?;
        let body = json_body(context.plan.telemetry[key.load].size);
        context.dialect.telemetry_frame(key, &body)
    }

    /// Takes in the system's answer to the record of `key`.
    pub fn on_answer(&mut self, context: &Context, key: LoadItemKey, ack: TelemetryAck) {
        let Some(position) = self.unacked.iter().position(|record| record.key == key) else {
            // Accepted before: the record was sent twice, and each sending has an answer.
            return;
        };
        let recorder = &context.recorder;
        let now = Instant::now();
        match ack {
            TelemetryAck::Accepted => {
                let record = self.unacked.swap_remove(position);
                // The window was full until now, and held back what was due.
                if self.unacked.len() + 1 == MAX_UNACKED {
                    self.free_since = now;
                }
                record_accepted(recorder, &record, now);
            }
            TelemetryAck::Rejected { reason, retry } => {
                recorder.count(Count::TelemetryRejected);
                recorder.count_kind(counter::TELEMETRY_REJECTED, &reason);
                let retry_at = now + retry.max(MIN_RETRY_DELAY);
                self.unacked[position].state = TelemetryState::RetryAt(retry_at);
            }
        }
    }

    /// Schedules, on a new socket, every record that had no answer on the last one.
    pub fn on_connected(&mut self) {
        let now = Instant::now();
        self.free_since = now;
        for record in &mut self.unacked {
            record.state = TelemetryState::RetryAt(now);
        }
    }

    /// Whether the system has accepted every record that was due.
    pub fn all_accepted(&self) -> bool {
        self.unacked.is_empty() && self.cursors.iter().all(|cursor| cursor.sent == cursor.due)
    }

    /// Ends the device's telemetry. Returns the records that the system did not confirm.
    pub fn finish(mut self, context: &Context) -> Vec<UnacceptedTelemetry> {
        self.count_due(context, Instant::now());
        let loads = &context.plan.telemetry;
        let unaccepted = self.cursors.iter().filter_map(|cursor| {
            let load = &loads[cursor.load];
            let of_load = self
                .unacked
                .iter()
                .filter(|record| record.key.load == cursor.load);
            let unacked: Vec<u64> = of_load.map(|record| record.key.number).collect();
            let first_unsent = load.sequence_number(self.device, cursor.sent);
            // A record beyond the plan's end was never due.
            let all_sent = load.due(first_unsent) >= context.plan.duration;
            (!all_sent || !unacked.is_empty()).then_some(UnacceptedTelemetry {
                load: cursor.load as u32,
                device: self.device,
                first_unsent,
                unacked,
            })
        });
        unaccepted.collect()
    }

    fn has_capacity(&self) -> bool {
        self.unacked.len() < MAX_UNACKED
    }

    /// Counts the records that have become due by `now`.
    fn count_due(&mut self, context: &Context, now: Instant) {
        if self.steady.is_none() {
            self.steady = context.signals.steady_start();
        }
        let Some(steady) = self.steady else {
            return;
        };
        if context.signals.drain.is_cancelled() {
            // An interrupted run drains before the plan's end.
            let elapsed = now.saturating_duration_since(steady);
            self.due_until = self.due_until.min(elapsed);
        }
        for cursor in &mut self.cursors {
            let load = &context.plan.telemetry[cursor.load];
            loop {
                let due = load.due(load.sequence_number(self.device, cursor.due));
                if due >= self.due_until || steady + due > now {
                    break;
                }
                cursor.due += 1;
                context.recorder.count(Count::TelemetryDue);
                context.recorder.add_to_level(Level::TelemetryPending, 1);
            }
        }
    }

    fn take_retry(&mut self, context: &Context, now: Instant) -> Option<LoadItemKey> {
        let is_due = |record: &&mut UnackedTelemetry| matches!(record.state, TelemetryState::RetryAt(at) if at <= now);
        let record = self.unacked.iter_mut().find(is_due)?;
        record.state = TelemetryState::Sent(now);
        context.recorder.count(Count::TelemetryResent);
        Some(record.key)
    }

    /// Takes the record that is due for longest, over all loads.
    fn take_next_due(&mut self, context: &Context, now: Instant) -> Option<LoadItemKey> {
        if !self.has_capacity() {
            return None;
        }
        let steady = self.steady?;
        let device = self.device;
        let next = |cursor: &LoadCursor| {
            let load: &TelemetryLoad = &context.plan.telemetry[cursor.load];
            let number = load.sequence_number(device, cursor.sent);
            (load.due(number), number)
        };
        let due = self
            .cursors
            .iter_mut()
            .filter(|cursor| cursor.sent < cursor.due);
        let cursor = due.min_by_key(|cursor| next(cursor).0)?;
        let (due, number) = next(cursor);
        cursor.sent += 1;
        let (load, due) = (cursor.load, steady + due);
        let key = LoadItemKey { load, number };
        self.unacked.push(UnackedTelemetry {
            key,
            due,
            state: TelemetryState::Sent(now),
        });
        context.recorder.count(Count::TelemetrySent);
        // A record that waited for a socket or for room says nothing of the harness's lag.
        if due >= self.free_since {
            let lag = now.saturating_duration_since(due);
            context.recorder.time(Timing::SendLag, lag);
        }
        Some(key)
    }
}

fn record_accepted(recorder: &Recorder, record: &UnackedTelemetry, now: Instant) {
    recorder.count(Count::TelemetryAccepted);
    recorder.add_to_level(Level::TelemetryPending, -1);
    let response = now.saturating_duration_since(record.due);
    recorder.time(Timing::TelemetryResponse, response);
    // An answer may come while the record waits to be sent again: no sending to count from.
    if let TelemetryState::Sent(sent) = record.state {
        let service = now.saturating_duration_since(sent);
        recorder.time(Timing::TelemetryService, service);
    }
}

/// Returns a JSON string of `size` bytes with its quotes.
fn json_body(size: u64) -> String {
    let length = usize::try_from(size).unwrap_or(0).saturating_sub(2);
    format!("\"{}\"", "x".repeat(length))
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
        worker::{
            context::{Clients, Protocols},
            dialect::highwater::Highwater,
            signals::Signals,
            values::PoolValues,
        },
    };

    /// A plan with twenty telemetry records a second of one device.
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

    /// Returns a context whose steady phase began a second ago.
    fn context() -> Context {
        let plan = highwater_scenarios::parse("r.toml", PLAN, &[]);
        let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
        let ramp = Instant::now() - Duration::from_secs(1);
        let (_, steady) = watch::channel(Some(ramp));
        let options = ClientOptions::new(&ClientAccess::default()).expect("no certificates");
        let pools = PoolValues::compile_all(&plan, Segment::whole(), Vec::new(), &options);
        let pools = pools.expect("no placeholders");
        Context::new(
            plan,
            Segment::whole(),
            Protocols {
                dialect: &Highwater,
                pools: Box::default(),
            },
            Endpoints::default(),
            Clients {
                options,
                pools,
                login: None,
                sources: crate::worker::source_address::SourceAddresses::default(),
            },
            RunClock::starting_at(ramp),
            Signals {
                ramp,
                steady,
                drain: CancellationToken::new(),
                close: CancellationToken::new(),
            },
        )
    }

    fn new_sender(context: &Context) -> Box<TelemetrySender> {
        TelemetrySender::for_device(context, &context.plan.devices[0], 0)
            .expect("the pool sends telemetry")
    }

    fn key(number: u64) -> LoadItemKey {
        LoadItemKey { load: 0, number }
    }

    /// Returns the ids of all records that are sent now.
    fn sent(sender: &mut TelemetrySender, context: &Context) -> Vec<String> {
        let frames = std::iter::from_fn(|| sender.next_frame(context));
        let id = |frame: Message| Some(frame.to_text().ok()?.split('"').nth(7)?.to_owned());
        frames.filter_map(id).collect()
    }

    fn ids(numbers: impl Iterator<Item = u64>) -> Vec<String> {
        numbers.map(|number| key(number).to_string()).collect()
    }

    #[tokio::test]
    async fn unanswered_records_are_at_most_a_window() {
        let context = context();
        let mut sender = new_sender(&context);
        assert_eq!(sent(&mut sender, &context), ids(0..16));
        assert_eq!(sent(&mut sender, &context), ids(0..0));
        sender.on_answer(&context, key(3), TelemetryAck::Accepted);
        // A second answer to the same record changes nothing.
        sender.on_answer(&context, key(3), TelemetryAck::Accepted);
        assert_eq!(sent(&mut sender, &context), ids(16..17));
        assert!(!sender.all_accepted());

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
    async fn rejected_record_is_sent_again_after_a_delay() {
        let context = context();
        let mut sender = new_sender(&context);
        sent(&mut sender, &context);
        let before = Instant::now();
        let rejected = TelemetryAck::Rejected {
            reason: "full".to_owned(),
            retry: Duration::ZERO,
        };
        sender.on_answer(&context, key(0), rejected);
        let TelemetryState::RetryAt(at) = sender.unacked[0].state else {
            panic!("{:?}", sender.unacked[0]);
        };
        assert!(at >= before + MIN_RETRY_DELAY);
        assert_eq!(sender.next_wake(&context), Some(at));
    }

    #[tokio::test]
    async fn unanswered_record_is_sent_again_and_reported_at_the_end() {
        let context = context();
        let mut sender = new_sender(&context);
        sent(&mut sender, &context);
        sender.on_answer(&context, key(15), TelemetryAck::Accepted);
        sender.on_connected();
        assert_eq!(sent(&mut sender, &context), ids((0..15).chain(16..17)));
        for number in 0..14 {
            sender.on_answer(&context, key(number), TelemetryAck::Accepted);
        }
        let mut unaccepted = sender.finish(&context);
        unaccepted[0].unacked.sort_unstable();
        assert_eq!(
            unaccepted,
            [UnacceptedTelemetry {
                load: 0,
                device: 0,
                first_unsent: 17,
                unacked: vec![14, 16],
            }]
        );
    }
}
