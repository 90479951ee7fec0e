//! After the drain: the consumers handle what is still in the queue.

use std::time::Duration;

use highwater_scenarios::{
    Plan,
    plan::{Consumers, SystemSpec},
};
use tokio::{
    task::spawn_blocking,
    time::{Instant, interval},
};
use tokio_util::sync::CancellationToken;

use super::telemetry::TelemetryReconciler;

/// How often the consumers' journals are looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Consumers that write nothing for this long, and for as long as they take with a
/// reading, have nothing more: longer than a queue takes to find that one is dead.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// And longer than this they are not waited for.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// How the consumers came to their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DrainOutcome {
    /// Everything accepted is handled.
    Complete,
    /// They write no more, and something is missing.
    Idle,
    /// They still wrote, and were not waited for any longer: why.
    Unfinished(&'static str),
}

/// How long they are waited for.
#[derive(Debug)]
pub(super) struct WaitPolicy {
    idle_timeout: Duration,
    deadline: Instant,
    handled: u64,
    /// Since when they have written nothing.
    idle_since: Instant,
}

impl WaitPolicy {
    /// For the consumers of `plan`; a run that somebody interrupted waits only as long
    /// as it must.
    pub(super) fn new(plan: &Plan, interrupted: bool, now: Instant) -> Self {
        let idle_timeout = IDLE_TIMEOUT + processing_time(plan);
        let at_most = if interrupted {
            idle_timeout
        } else {
            idle_timeout.max(MAX_WAIT)
        };
        Self {
            idle_timeout,
            deadline: now + at_most,
            handled: 0,
            idle_since: now,
        }
    }

    /// So much is handled and so much missing by now.
    fn poll(&mut self, handled: u64, missing: u64, now: Instant) -> Option<DrainOutcome> {
        if missing == 0 {
            return Some(DrainOutcome::Complete);
        }
        if handled > self.handled {
            (self.handled, self.idle_since) = (handled, now);
        }
        if now - self.idle_since > self.idle_timeout {
            return Some(DrainOutcome::Idle);
        }
        (now >= self.deadline).then_some(DrainOutcome::Unfinished(
            "the consumers were not waited for any longer",
        ))
    }
}

/// Reads journals until everything is handled, nothing more comes, or somebody is in
/// a `hurry`.
pub(super) async fn drain_consumers(
    mut readings: TelemetryReconciler,
    mut patience: WaitPolicy,
    hurry: CancellationToken,
) -> (TelemetryReconciler, DrainOutcome) {
    let mut looks = interval(POLL_INTERVAL);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = hurry.cancelled() => {
                return (readings, DrainOutcome::Unfinished("interrupted"));
            }
        }
        readings = read_journals(readings).await;
        let (handled, missing) = (readings.handled_count(), readings.missing_count());
        if let Some(settled) = patience.poll(handled, missing, Instant::now()) {
            return (readings, settled);
        }
    }
}

/// What the journals have by now. They may be long: not read in the run's own task.
pub(super) async fn read_journals(mut readings: TelemetryReconciler) -> TelemetryReconciler {
    let read = spawn_blocking(move || {
        readings.read_new_lines();
        readings
    });
    match read.await {
        Ok(readings) => readings,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn processing_time(plan: &Plan) -> Duration {
    match &plan.system {
        SystemSpec::Cluster(cluster) => {
            let Consumers {
                processing_time, ..
            } = cluster.consumers;
            processing_time
        }
        SystemSpec::Target(_) => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: &str = r#"
        name = "slow"
        duration = "10s"
        [cluster]
        nodes = 1
        consumers = 1
        processing_time = "20s"
        [[devices]]
        name = "home"
        count = 3
        ramp = "10/s"
        [[telemetry]]
        rate = "10/s"
    "#;

    fn patience(interrupted: bool, start: Instant) -> WaitPolicy {
        let plan = highwater_scenarios::parse("slow.toml", SLOW, &[]);
        let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
        WaitPolicy::new(&plan, interrupted, start)
    }

    #[test]
    fn slow_consumers_are_not_quiet_while_they_handle_one() {
        let start = Instant::now();
        let mut patience = patience(false, start);
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(patience.poll(1, 9, after(1)), None);
        assert_eq!(patience.poll(1, 9, after(30)), None);
        assert_eq!(patience.poll(2, 8, after(31)), None);
        assert_eq!(patience.poll(2, 8, after(66)), None);
        assert_eq!(patience.poll(2, 8, after(67)), Some(DrainOutcome::Idle));
        assert_eq!(patience.poll(2, 0, after(67)), Some(DrainOutcome::Complete));
    }

    #[test]
    fn consumers_that_go_on_for_ever_are_left() {
        for (interrupted, most) in [(false, MAX_WAIT.as_secs()), (true, 35)] {
            let start = Instant::now();
            let mut patience = patience(interrupted, start);
            let settled = (1..=most + 1).find_map(|second| {
                let look = patience.poll(second, 1, start + Duration::from_secs(second));
                look.map(|settled| (second, settled))
            });
            let Some((second, DrainOutcome::Unfinished(_))) = settled else {
                panic!("{settled:?}");
            };
            assert_eq!(second, most);
        }
    }
}
