//! After the drain: the consumers handle what is still in the queue.

use std::time::Duration;

use highwater_scenarios::{
    Plan,
    plan::{Consumers, System},
};
use tokio::{
    task::spawn_blocking,
    time::{Instant, interval},
};
use tokio_util::sync::CancellationToken;

use super::telemetry::Readings;

/// How often the consumers' journals are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Consumers that write nothing for this long, and for as long as they take with a
/// reading, have nothing more: longer than a queue takes to find that one is dead.
const QUIET: Duration = Duration::from_secs(15);
/// And longer than this they are not waited for.
const AT_MOST: Duration = Duration::from_secs(300);

/// How the consumers came to their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// Everything accepted is handled.
    All,
    /// They write no more, and something is missing.
    Quiet,
    /// They still wrote, and were not waited for any longer: why.
    Unfinished(&'static str),
}

/// How long they are waited for.
#[derive(Debug)]
pub(super) struct Patience {
    quiet: Duration,
    until: Instant,
    handled: u64,
    /// Since when they have written nothing.
    since: Instant,
}

impl Patience {
    /// For the consumers of `plan`; a run that somebody interrupted waits only as long
    /// as it must.
    pub(super) fn new(plan: &Plan, interrupted: bool, now: Instant) -> Self {
        let quiet = QUIET + handle_time(plan);
        let at_most = if interrupted {
            quiet
        } else {
            quiet.max(AT_MOST)
        };
        Self {
            quiet,
            until: now + at_most,
            handled: 0,
            since: now,
        }
    }

    /// So much is handled and so much missing by now.
    fn look(&mut self, handled: u64, missing: u64, now: Instant) -> Option<Settled> {
        if missing == 0 {
            return Some(Settled::All);
        }
        if handled > self.handled {
            (self.handled, self.since) = (handled, now);
        }
        if now - self.since > self.quiet {
            return Some(Settled::Quiet);
        }
        (now >= self.until).then_some(Settled::Unfinished(
            "the consumers were not waited for any longer",
        ))
    }
}

/// Reads journals until everything is handled, nothing more comes, or somebody is in
/// a `hurry`.
pub(super) async fn settle(
    mut readings: Readings,
    mut patience: Patience,
    hurry: CancellationToken,
) -> (Readings, Settled) {
    let mut looks = interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = hurry.cancelled() => {
                return (readings, Settled::Unfinished("interrupted"));
            }
        }
        readings = read(readings).await;
        let (handled, missing) = (readings.handled(), readings.missing());
        if let Some(settled) = patience.look(handled, missing, Instant::now()) {
            return (readings, settled);
        }
    }
}

/// What the journals have by now. They may be long: not read in the run's own task.
pub(super) async fn read(mut readings: Readings) -> Readings {
    let read = spawn_blocking(move || {
        readings.read_more();
        readings
    });
    match read.await {
        Ok(readings) => readings,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn handle_time(plan: &Plan) -> Duration {
    match &plan.system {
        System::Cluster(cluster) => {
            let Consumers { handle_time, .. } = cluster.consumers;
            handle_time
        }
        System::Target(_) => Duration::ZERO,
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
        handle_time = "20s"
        [[devices]]
        name = "home"
        count = 3
        ramp = "10/s"
        [[readings]]
        rate = "10/s"
    "#;

    fn patience(interrupted: bool, start: Instant) -> Patience {
        let plan = highwater_scenarios::parse("slow.toml", SLOW, &[]);
        let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
        Patience::new(&plan, interrupted, start)
    }

    #[test]
    fn slow_consumers_are_not_quiet_while_they_handle_one() {
        let start = Instant::now();
        let mut patience = patience(false, start);
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(patience.look(1, 9, after(1)), None);
        assert_eq!(patience.look(1, 9, after(30)), None);
        assert_eq!(patience.look(2, 8, after(31)), None);
        assert_eq!(patience.look(2, 8, after(66)), None);
        assert_eq!(patience.look(2, 8, after(67)), Some(Settled::Quiet));
        assert_eq!(patience.look(2, 0, after(67)), Some(Settled::All));
    }

    #[test]
    fn consumers_that_go_on_for_ever_are_left() {
        for (interrupted, most) in [(false, AT_MOST.as_secs()), (true, 35)] {
            let start = Instant::now();
            let mut patience = patience(interrupted, start);
            let settled = (1..=most + 1).find_map(|second| {
                let look = patience.look(second, 1, start + Duration::from_secs(second));
                look.map(|settled| (second, settled))
            });
            let Some((second, Settled::Unfinished(_))) = settled else {
                panic!("{settled:?}");
            };
            assert_eq!(second, most);
        }
    }
}
