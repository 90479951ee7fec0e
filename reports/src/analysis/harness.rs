//! Whether the harness itself was the limit.

use highwater_scenarios::plan::{LoadModel, PhaseWindow};

use super::{
    commands::outcomes,
    run_window::{RunWindow, distribution},
    sockets::by_kind,
    source_series::SourceSeries,
};
use crate::{
    human,
    record::{
        RecordEvent, RunEnd, SourceRole,
        names::{counter, latency},
    },
    summary::Summary,
};

/// Send lag p99 of a worker in the steady phase beyond which its figures are
/// doubtful, in milliseconds.
const SEND_LAG_LIMIT_MS: f64 = 10.0;
/// A single action this late means that its worker was stopped, which in a long
/// run the percentile does not show; in milliseconds.
const STALL_LAG_MS: f64 = 1000.0;
/// The part of what was asked for that must be reached.
const MIN_REACHED_SHARE: f64 = 0.99;
/// A worker that says nothing for this much longer than it should was paused.
const SILENCE_S: f64 = 3.0;

/// What is known against the harness.
#[derive(Debug, Clone, Default)]
pub(crate) struct HarnessHealth {
    /// Each a reason not to trust the run, in words.
    pub(crate) reasons: Vec<String>,
    /// The longest time for which a worker that was too late did nothing, in
    /// milliseconds; 0 when all were in time.
    pub(crate) stall_ms: f64,
    /// A worker died or its connection broke.
    pub(crate) worker_lost: bool,
    /// Sockets failed for want of ports or files, and for no other reason.
    pub(crate) only_own_connect_failures: bool,
}

/// Looks at everything the harness says of itself.
pub(crate) fn assess_harness(cut: &RunWindow, summary: &Summary) -> HarnessHealth {
    let mut harness = HarnessHealth::default();
    harness.check_end(summary.ended);
    harness.check_lost_workers(cut);
    harness.check_silent_workers(cut);
    harness.check_send_lag(cut, summary);
    harness.check_connects(cut, summary);
    harness.check_arrival_rate(cut, summary);
    harness.check_lost_commands(summary);
    harness
}

impl HarnessHealth {
    fn check_end(&mut self, ended: RunEnd) {
        let reason = match ended {
            RunEnd::Completed => return,
            RunEnd::Interrupted => "the run was interrupted",
            RunEnd::Aborted => "the run was aborted",
            RunEnd::Truncated => "the record just stops: the harness was killed",
        };
        self.reasons.push(reason.to_owned());
    }

    fn check_lost_workers(&mut self, cut: &RunWindow) {
        for event in &cut.record.events {
            if let RecordEvent::WorkerLost { id, reason } = &event.kind {
                self.worker_lost = true;
                let at = human::seconds(event.at);
                self.reasons
                    .push(format!("worker {id} was lost at {at}: {reason}"));
            }
        }
    }

    fn check_silent_workers(&mut self, cut: &RunWindow) {
        for (id, track) in cut.series.with_role(SourceRole::Worker) {
            if let Some((at, silence)) = longest_silence(track) {
                self.stall_ms = self.stall_ms.max(silence * 1000.0);
                self.reasons.push(format!(
                    "worker {id} was silent for {} from {}",
                    human::seconds(silence),
                    human::seconds(at)
                ));
            }
        }
    }

    fn check_send_lag(&mut self, cut: &RunWindow, summary: &Summary) {
        for worker in &summary.workers {
            let tag = format!("{}@{}", latency::SEND_LAG, worker.id);
            let lag = distribution(cut.record.latencies.window(&tag, PhaseWindow::Steady));
            let (Some(p99), Some(max)) = (lag.p99, lag.max) else {
                continue;
            };
            if p99 > SEND_LAG_LIMIT_MS || max >= STALL_LAG_MS {
                self.stall_ms = self.stall_ms.max(max);
                self.reasons.push(format!(
                    "worker {} was late: send lag p99 {}, longest {} (limit {})",
                    worker.id,
                    human::millis(p99),
                    human::millis(max),
                    human::millis(SEND_LAG_LIMIT_MS)
                ));
            }
        }
    }

    fn check_connects(&mut self, cut: &RunWindow, summary: &Summary) {
        let (mut own, mut others) = (0, 0);
        for line in cut
            .series
            .with_role(SourceRole::Worker)
            .flat_map(|(_, track)| track.rows())
        {
            for (kind, count) in by_kind(line, counter::CONNECT_FAILED) {
                match kind {
                    "no_port" | "no_file" => own += count,
                    _ => others += count,
                }
            }
        }
        self.only_own_connect_failures = own > 0 && others == 0;
        let sockets = &summary.sockets;
        if own > 0 && is_below_target(sockets.opened, sockets.requested) {
            self.reasons.push(format!(
                "{} of {} sockets opened; {} attempts found no free port or file on the harness's side",
                human::count(sockets.opened),
                human::count(sockets.requested),
                human::count(own)
            ));
        }
    }

    fn check_arrival_rate(&mut self, cut: &RunWindow, summary: &Summary) {
        let loads = &cut.record.manifest.plan.commands;
        let open = loads
            .iter()
            .any(|load| matches!(load.model, LoadModel::Open { .. }));
        if let Some(commands) = summary.commands.as_ref().filter(|_| open)
            && is_below_target(commands.issued, commands.due)
        {
            self.reasons.push(format!(
                "{} of {} commands due were issued",
                human::count(commands.issued),
                human::count(commands.due)
            ));
        }
    }

    fn check_lost_commands(&mut self, summary: &Summary) {
        if let Some(commands) = &summary.commands
            && commands.lost > 0
        {
            self.reasons.push(format!(
                "{} of {} commands have no known outcome ({} have)",
                human::count(commands.lost),
                human::count(commands.issued),
                human::count(outcomes(commands))
            ));
        }
    }
}

fn is_below_target(reached: u64, asked: u64) -> bool {
    (reached as f64) < asked as f64 * MIN_REACHED_SHARE
}

/// Where a worker's lines are further apart than their neighbours are long:
/// when, and for how long nothing came.
fn longest_silence(track: &SourceSeries) -> Option<(f64, f64)> {
    let lines = track.rows();
    let silences = (1..lines.len()).filter_map(|index| {
        let before = lines[index - 1];
        let next_length = lines.get(index + 1).map_or(0.0, |line| line.length);
        let expected = before.length.max(next_length);
        let silence = lines[index].end() - before.end() - expected;
        (silence > SILENCE_S).then_some((before.end(), silence))
    });
    silences.max_by(|(_, a), (_, b)| a.total_cmp(b))
}
