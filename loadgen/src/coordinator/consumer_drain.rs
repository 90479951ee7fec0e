//! The time after the drain in which consumers handle what is still in the queue.

use std::time::Duration;

use highwater_scenarios::{Plan, plan::SystemSpec};
use tokio::{
    task::spawn_blocking,
    time::{Instant, interval},
};
use tokio_util::sync::CancellationToken;

use super::telemetry::TelemetryReconciler;

/// Interval at which the consumers' journals are read.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Time without a new line after which the consumers count as idle, in addition to the
/// time that they take for one record. A queue needs less to redeliver the records of a dead
/// consumer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest wait for consumers that still write.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// The result of waiting for the consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DrainOutcome {
    /// All accepted telemetry is handled.
    Complete,
    /// The consumers write no more, and some telemetry is missing.
    Idle,
    /// The consumers still wrote when the wait ended, for this reason.
    Unfinished(&'static str),
}

/// The limits of the wait for consumers.
#[derive(Debug)]
pub(super) struct WaitPolicy {
    idle_timeout: Duration,
    deadline: Instant,
    handled: u64,
    /// The instant of the last new line.
    idle_since: Instant,
}

impl WaitPolicy {
    /// Creates the limits for the consumers of `plan`. An interrupted run waits only until
    /// it can tell missing from late.
    pub(super) fn new(plan: &Plan, interrupted: bool, now: Instant) -> Self {
        let idle_timeout = IDLE_TIMEOUT + processing_time(plan);
        let max_wait = match interrupted {
            true => idle_timeout,
            // A single record may take longer than the limit for all.
            false => idle_timeout.max(MAX_WAIT),
        };
        Self {
            idle_timeout,
            deadline: now + max_wait,
            handled: 0,
            idle_since: now,
        }
    }

    /// Takes in how much is handled and missing by `now`. Returns how the wait ended.
    fn poll(&mut self, handled: u64, missing: u64, now: Instant) -> Option<DrainOutcome> {
        if missing == 0 {
            return Some(DrainOutcome::Complete);
        }
        // A new line anywhere shows that the queue still delivers.
        if handled > self.handled {
            (self.handled, self.idle_since) = (handled, now);
        }
        if now - self.idle_since > self.idle_timeout {
            return Some(DrainOutcome::Idle);
        }
        (now >= self.deadline).then_some(DrainOutcome::Unfinished(
            "the consumers did not finish in time",
        ))
    }
}

/// Reads journals until all accepted telemetry is handled, the limits are reached, or
/// `interrupt` is cancelled.
pub(super) async fn drain_consumers(
    mut telemetry: TelemetryReconciler,
    mut policy: WaitPolicy,
    interrupt: CancellationToken,
) -> (TelemetryReconciler, DrainOutcome) {
    let mut polls = interval(POLL_INTERVAL);
    loop {
        tokio::select! {
            _ = polls.tick() => {}
            () = interrupt.cancelled() => {
                return (telemetry, DrainOutcome::Unfinished("interrupted"));
            }
        }
        telemetry = read_journals(telemetry).await;
        let (handled, missing) = (telemetry.handled_count(), telemetry.missing_count());
        if let Some(outcome) = policy.poll(handled, missing, Instant::now()) {
            return (telemetry, outcome);
        }
    }
}

/// Reads the journals' new lines.
pub(super) async fn read_journals(mut telemetry: TelemetryReconciler) -> TelemetryReconciler {
    // Journals may be long: reading them would block the run's own task.
    let read = spawn_blocking(move || {
        telemetry.read_new_lines();
        telemetry
    });
    match read.await {
        Ok(telemetry) => telemetry,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn processing_time(plan: &Plan) -> Duration {
    match &plan.system {
        SystemSpec::Cluster(cluster) => cluster.consumers.processing_time,
        SystemSpec::Target(_) => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordinator::telemetry::tests::telemetry_plan;

    fn policy(interrupted: bool, start: Instant) -> WaitPolicy {
        let plan = telemetry_plan(&["cluster.processing_time=20s"]);
        WaitPolicy::new(&plan, interrupted, start)
    }

    #[test]
    fn slow_consumers_are_not_idle_while_they_handle_an_item() {
        let start = Instant::now();
        let mut policy = policy(false, start);
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(policy.poll(1, 9, after(1)), None);
        assert_eq!(policy.poll(1, 9, after(30)), None);
        assert_eq!(policy.poll(2, 8, after(31)), None);
        assert_eq!(policy.poll(2, 8, after(66)), None);
        assert_eq!(policy.poll(2, 8, after(67)), Some(DrainOutcome::Idle));
        assert_eq!(policy.poll(2, 0, after(67)), Some(DrainOutcome::Complete));
    }

    #[test]
    fn consumers_that_write_without_end_are_not_awaited() {
        for (interrupted, max_wait_s) in [(false, MAX_WAIT.as_secs()), (true, 35)] {
            let start = Instant::now();
            let mut policy = policy(interrupted, start);
            let ended = (1..=max_wait_s + 1).find_map(|second| {
                let outcome = policy.poll(second, 1, start + Duration::from_secs(second));
                outcome.map(|outcome| (second, outcome))
            });
            let Some((second, DrainOutcome::Unfinished(_))) = ended else {
                panic!("{ended:?}");
            };
            assert_eq!(second, max_wait_s);
        }
    }
}
