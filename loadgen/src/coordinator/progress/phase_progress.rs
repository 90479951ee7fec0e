//! The phase of a run, its position in time, and the next event.

use std::time::Duration;

use highwater_reports::record::action_title;
use highwater_scenarios::{
    Plan,
    plan::{DevicePool, EventSpec},
};

use crate::coordinator::phases::RunPhase;

/// The phase of a run and its position in time.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum PhaseProgress {
    /// The ramp has not begun.
    #[default]
    Starting,
    /// The ramp, in which sockets open.
    Ramp {
        /// Sockets of the pools that open in the ramp.
        sockets: u64,
        /// Time until the last of them is due; zero once all of them are.
        remaining: Duration,
    },
    /// The steady phase.
    Steady {
        /// Time since it began.
        elapsed: Duration,
        /// The whole length of the phase.
        duration: Duration,
        /// The next action of the scenario.
        next_action: Option<UpcomingAction>,
    },
    /// The drain, in which sockets close.
    Drain,
}

/// The next action of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpcomingAction {
    /// Time until it happens.
    pub after: Duration,
    /// The title, such as `kill-node n2`.
    pub title: String,
}

impl PhaseProgress {
    /// Returns the progress of a run of `plan` at `now`. A phase that is announced and has
    /// not begun is not shown.
    pub fn at(plan: &Plan, phase: RunPhase, ramp_second: u64, now: Duration) -> Self {
        let ramp = Duration::from_secs(ramp_second);
        match phase {
            RunPhase::Drain { .. } => Self::Drain,
            RunPhase::Steady { from, until } if now.as_secs() >= from => {
                let elapsed = now - Duration::from_secs(from);
                Self::Steady {
                    elapsed,
                    duration: Duration::from_secs(until - from),
                    next_action: upcoming_action(plan, elapsed),
                }
            }
            _ if now < ramp => Self::Starting,
            // A ramp that takes longer than planned shows no remaining time.
            _ => Self::Ramp {
                sockets: plan.ramp_sockets(),
                remaining: (ramp + plan.planned_ramp()).saturating_sub(now),
            },
        }
    }
}

/// Returns the next event or late pool, `elapsed` into the steady phase.
fn upcoming_action(plan: &Plan, elapsed: Duration) -> Option<UpcomingAction> {
    let event_action = |event: &EventSpec| {
        let title = action_title(&event.action.name(), &event.node);
        (event.at, title)
    };
    // A pool without a start opens in the ramp, which is over.
    let pool_action = |pool: &DevicePool| Some((pool.start?, format!("pool {} opens", pool.name)));
    let events = plan.events.iter().map(event_action);
    let pools = plan.devices.iter().filter_map(pool_action);
    let ahead = events.chain(pools).filter(|(at, _)| *at > elapsed);
    let (at, title) = ahead.min_by_key(|(at, _)| *at)?;
    Some(UpcomingAction {
        after: at - elapsed,
        title,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENARIO: &str = r#"
        name = "late"
        duration = "60s"
        [cluster]
        nodes = 2
        [[devices]]
        name = "home"
        count = 100
        ramp = "10/s"
        heartbeat = "5s"
        [[devices]]
        name = "late"
        start = "30s"
        count = 50
        ramp = "10/s"
        heartbeat = "5s"
        [[events]]
        at = "20s"
        do = "kill-node"
        node = "n2"
    "#;

    fn at(phase: RunPhase, second: u64) -> PhaseProgress {
        let plan = highwater_scenarios::parse("late", SCENARIO, &[]).unwrap();
        PhaseProgress::at(&plan, phase, 2, Duration::from_secs(second))
    }

    #[test]
    fn announced_phase_is_shown_from_its_first_second() {
        let steady = RunPhase::Steady {
            from: 14,
            until: 74,
        };
        let ramp = |remaining_ms| PhaseProgress::Ramp {
            sockets: 100,
            remaining: Duration::from_millis(remaining_ms),
        };
        assert_eq!(at(RunPhase::Ramp, 1), PhaseProgress::Starting);
        assert_eq!(at(RunPhase::Ramp, 2), ramp(9_900));
        assert_eq!(at(steady, 13), ramp(0));
        assert!(matches!(at(steady, 14), PhaseProgress::Steady { .. }));
        assert_eq!(at(RunPhase::Drain { from: 74 }, 74), PhaseProgress::Drain);
    }

    #[test]
    fn next_action_is_named_until_it_happens() {
        let steady = RunPhase::Steady { from: 0, until: 60 };
        let next = |second| match at(steady, second) {
            PhaseProgress::Steady { next_action, .. } => {
                next_action.map(|next| (next.after.as_secs(), next.title))
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(next(5), Some((15, "kill-node n2".to_owned())));
        assert_eq!(next(20), Some((10, "pool late opens".to_owned())));
        assert_eq!(next(30), None);
    }
}
