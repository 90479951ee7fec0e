//! The assessment of the harness: whether it was the limit of the run.

use highwater_scenarios::plan::{LoadModel, PhaseWindow};
use highwater_types::format;

use super::{
    distribution::Distribution,
    failure_kinds::{FailureOrigin, kind_of},
    failure_words::failure_sentence,
    run_window::RunWindow,
    source_series::SourceSeries,
    summary::Summary,
};
use crate::record::{
    RecordEvent, RunEnd, SourceRole,
    names::{counter, latency},
};

/// Send lag p99 of a worker in the steady phase above which its metrics are doubtful, in
/// milliseconds.
const SEND_LAG_LIMIT_MS: f64 = 10.0;
/// Send lag of a single action that proves a stall of its worker, in milliseconds. In a
/// long run the percentile does not show one stall.
const STALL_LAG_MS: f64 = 1000.0;
/// Share of the requested load that must be reached.
const MIN_REACHED_SHARE: f64 = 0.99;
/// Most workers with the same finding that are named one by one. A run has up to thousands.
const MOST_NAMED: usize = 3;
/// Seconds of silence beyond the usual interval that prove a pause of the worker.
const SILENCE_S: f64 = 3.0;

/// The findings against the harness.
#[derive(Debug, Clone, Default)]
pub(super) struct HarnessHealth {
    /// Reasons not to trust the run, in words.
    pub(super) reasons: Vec<String>,
    /// Longest stall of a worker in milliseconds; 0 when all were in time.
    pub(super) stall_ms: f64,
    /// Whether a worker died or lost its connection.
    pub(super) worker_lost: bool,
    /// Whether connects failed for lack of ports or files at the harness, and for no other
    /// reason.
    pub(super) only_own_connect_failures: bool,
    /// Whether sockets were lost to a limit of the harness, and in no other way.
    pub(super) only_own_disconnects: bool,
}

/// Checks everything that the record shows of the harness.
pub(super) fn assess_harness(window: &RunWindow, summary: &Summary) -> HarnessHealth {
    let mut harness = HarnessHealth::default();
    harness.check_end(summary.ended);
    harness.check_lost_workers(window);
    harness.check_silent_workers(window);
    harness.check_send_lag(window, summary);
    harness.check_connects(window, summary);
    harness.check_disconnects(summary);
    harness.check_arrival_rate(window, summary);
    harness.check_lost_commands(summary);
    harness
}

impl HarnessHealth {
    fn check_end(&mut self, ended: RunEnd) {
        let reason = match ended {
            RunEnd::Completed => return,
            RunEnd::Interrupted => "the run was interrupted",
            RunEnd::Aborted => "the run was aborted",
            RunEnd::Truncated => "the record is truncated: the harness was killed",
            RunEnd::Running => "the run is still running",
        };
        self.reasons.push(reason.to_owned());
    }

    fn check_lost_workers(&mut self, window: &RunWindow) {
        for event in &window.record.events {
            if let RecordEvent::WorkerLost { id, reason } = &event.kind {
                self.worker_lost = true;
                let at = format::seconds(event.at);
                self.reasons
                    .push(format!("worker {id} was lost at {at}: {reason}"));
            }
        }
    }

    fn check_silent_workers(&mut self, window: &RunWindow) {
        let workers = || window.sources.with_role(SourceRole::Worker);
        let silent: Vec<_> = workers()
            .filter_map(|(id, series)| Some((id, longest_silence(series)?)))
            .collect();
        let Some((longest_id, (longest_at, longest))) = silent
            .iter()
            .max_by(|(_, (_, a)), (_, (_, b))| a.total_cmp(b))
        else {
            return;
        };
        // A worker that sends no rows does not send load either.
        self.stall_ms = self.stall_ms.max(longest * 1000.0);
        let of = |silence: f64, at: f64| {
            let (silence, at) = (format::seconds(silence), format::seconds(at));
            format!("{silence} from {at}")
        };
        if silent.len() > MOST_NAMED {
            self.reasons.push(format!(
                "{} of {} workers were silent, {longest_id} longest: for {}",
                silent.len(),
                workers().count(),
                of(*longest, *longest_at)
            ));
            return;
        }
        for (id, (at, silence)) in &silent {
            let silence = of(*silence, *at);
            self.reasons
                .push(format!("worker {id} was silent for {silence}"));
        }
    }

    fn check_send_lag(&mut self, window: &RunWindow, summary: &Summary) {
        let late: Vec<_> = summary
            .workers
            .iter()
            .filter_map(|worker| late_worker(window, &worker.id))
            .collect();
        let limit = format::millis(SEND_LAG_LIMIT_MS);
        let highest = |lag: fn(&LateWorker) -> f64| {
            let highest = late.iter().max_by(|a, b| lag(a).total_cmp(&lag(b)))?;
            Some((lag(highest), highest.id))
        };
        let (Some((p99, p99_id)), Some((max, max_id))) =
            (highest(|late| late.p99), highest(|late| late.max))
        else {
            return;
        };
        self.stall_ms = self.stall_ms.max(max);
        if late.len() > MOST_NAMED {
            self.reasons.push(format!(
                "{} of {} workers were late: send lag p99 up to {} on {p99_id}, longest {} on \
                 {max_id} (limit {limit})",
                late.len(),
                summary.workers.len(),
                format::millis(p99),
                format::millis(max),
            ));
            return;
        }
        for LateWorker { id, p99, max } in &late {
            self.reasons.push(format!(
                "worker {id} was late: send lag p99 {}, longest {} (limit {limit})",
                format::millis(*p99),
                format::millis(*max),
            ));
        }
    }

    fn check_connects(&mut self, window: &RunWindow, summary: &Summary) {
        let (mut own, mut others) = (0, 0);
        // Over the whole run, whatever the window: a port that was missing in the ramp is
        // missing in the steady phase too.
        for row in window.worker_rows_touching(f64::NEG_INFINITY..f64::INFINITY) {
            for (kind, count) in row.counter_family(counter::CONNECT_FAILED) {
                let counter = format!("{}.{kind}", counter::CONNECT_FAILED);
                match kind_of(&counter).origin {
                    FailureOrigin::Harness => own += count,
                    FailureOrigin::Target | FailureOrigin::Network => others += count,
                }
            }
        }
        self.only_own_connect_failures = own > 0 && others == 0;
        let sockets = &summary.sockets;
        if own > 0 && is_below_target(sockets.opened, sockets.requested) {
            self.reasons.push(format!(
                "{} of {} sockets opened; {} attempts failed at the harness: no free port or \
                 file, or a value that cannot be sent",
                format::count(sockets.opened),
                format::count(sockets.requested),
                format::count(own)
            ));
        }
    }

    fn check_disconnects(&mut self, summary: &Summary) {
        let is_disconnect = |kind: &str| {
            let kind = kind.strip_prefix(counter::DISCONNECT);
            kind.is_some_and(|kind| kind.starts_with('.'))
        };
        let disconnects = summary.failures.iter();
        let disconnects = disconnects.filter(|failure| is_disconnect(&failure.kind));
        let (own, others): (Vec<_>, Vec<_>) =
            disconnects.partition(|failure| failure.origin == FailureOrigin::Harness);
        self.only_own_disconnects = !own.is_empty() && others.is_empty();
        let workers = summary.workers.len();
        let sentences = own.iter().map(|own| failure_sentence(own, workers));
        self.reasons.extend(sentences);
    }

    fn check_arrival_rate(&mut self, window: &RunWindow, summary: &Summary) {
        let mut loads = window.record.manifest.plan.commands.iter();
        // Only the open model has a rate to reach: closed users wait for their replies.
        let open = loads.any(|load| matches!(load.model, LoadModel::Open { .. }));
        if let Some(commands) = summary.commands.as_ref().filter(|_| open)
            // Without a connected device nothing can be sent: that is the target's doing.
            && is_below_target(commands.issued + commands.no_device, commands.due)
        {
            self.reasons.push(format!(
                "{} of {} commands due were issued",
                format::count(commands.issued),
                format::count(commands.due)
            ));
        }
    }

    fn check_lost_commands(&mut self, summary: &Summary) {
        if let Some(commands) = &summary.commands
            // `lost` is above 0 only when a worker died or the record is truncated.
            && commands.lost > 0
        {
            self.reasons.push(format!(
                "{} of {} commands have no known outcome ({} have)",
                format::count(commands.lost),
                format::count(commands.issued),
                format::count(commands.known_outcomes())
            ));
        }
    }
}

/// The send lag of a worker that was late, in milliseconds.
struct LateWorker<'a> {
    id: &'a str,
    p99: f64,
    max: f64,
}

/// Returns the send lag of a worker in the steady phase, if it was late there.
fn late_worker<'a>(window: &RunWindow, id: &'a str) -> Option<LateWorker<'a>> {
    let tag = format!("{}@{id}", latency::SEND_LAG);
    let histogram = window.record.latencies.window(&tag, PhaseWindow::Steady);
    let lag = Distribution::of(histogram);
    let (p99, max) = (lag.p99?, lag.max?);
    // The percentile shows a worker that is always late, the maximum one that stalled once.
    let is_late = p99 > SEND_LAG_LIMIT_MS || max >= STALL_LAG_MS;
    is_late.then_some(LateWorker { id, p99, max })
}

fn is_below_target(reached: u64, requested: u64) -> bool {
    (reached as f64) < requested as f64 * MIN_REACHED_SHARE
}

/// Returns the longest silence between two rows of a worker, beyond their usual length:
/// its start and its seconds.
fn longest_silence(series: &SourceSeries) -> Option<(f64, f64)> {
    let rows = series.rows();
    let silences = (1..rows.len()).filter_map(|index| {
        let before = rows[index - 1];
        // Rows grow from 1 s to 10 s within a run, so both neighbours are asked for the
        // usual length.
        let next_length = rows.get(index + 1).map_or(0.0, |row| row.length);
        let expected = before.length.max(next_length);
        let silence = rows[index].end() - before.end() - expected;
        (silence > SILENCE_S).then_some((before.end(), silence))
    });
    silences.max_by(|(_, a), (_, b)| a.total_cmp(b))
}
