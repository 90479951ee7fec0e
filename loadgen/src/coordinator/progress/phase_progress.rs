//! The phase, how far it has come, and what comes next.

use std::time::Duration;

use highwater_reports::record::action_title;
use highwater_scenarios::{
    Plan,
    plan::{Action, DevicePool, EventSpec, FaultSpec},
};

use crate::coordinator::phases::RunPhase;

/// A run's phase and how far it has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum PhaseProgress {
    /// The ramp has not begun.
    #[default]
    Starting,
    /// Sockets open.
    Ramp {
        /// Sockets of the pools that belong to the ramp.
        sockets: u64,
        /// Until the last of them is due; zero when all of them are.
        remaining: Duration,
    },
    /// The steady phase.
    Steady {
        /// Since it began.
        elapsed: Duration,
        /// All of it.
        duration: Duration,
        /// What the scenario does next.
        next_action: Option<UpcomingAction>,
    },
    /// Sockets close.
    Drain,
}

/// Something that the scenario will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpcomingAction {
    /// From now.
    pub after: Duration,
    /// What, such as `kill-node n2`.
    pub title: String,
}

impl PhaseProgress {
    /// Where a run of `plan` stands at `now`. A phase that was announced and
    /// has not begun yet is not shown.
    pub fn at(plan: &Plan, phase: RunPhase, ramp_second: u64, now: Duration) -> Self {
        let ramp = Duration::from_secs(ramp_second);
        match phase {
            RunPhase::Drain { .. } => Self::Drain,
            RunPhase::Steady { from, until } if now.as_secs() >= from => {
                let elapsed = now.saturating_sub(Duration::from_secs(from));
                Self::Steady {
                    elapsed,
                    duration: Duration::from_secs(until - from),
                    next_action: upcoming_action(plan, elapsed),
                }
            }
            _ if now < ramp => Self::Starting,
            _ => Self::Ramp {
                sockets: plan.ramp_sockets(),
                remaining: (ramp + plan.planned_ramp()).saturating_sub(now),
            },
        }
    }
}

/// An action as a scenario names it, with the fault where it is one.
pub fn action_name(action: &Action) -> &'static str {
    match action {
        Action::AddNode => "add-node",
        Action::KillNode => "kill-node",
        Action::RestartNode => "restart-node",
        Action::DrainNode => "drain-node",
        Action::PauseNode => "pause-node",
        Action::ResumeNode => "resume-node",
        Action::KillConsumer => "kill-consumer",
        Action::RestartConsumer => "restart-consumer",
        Action::KillBroker => "kill-broker",
        Action::RestartBroker => "restart-broker",
        Action::PauseBroker => "pause-broker",
        Action::ResumeBroker => "resume-broker",
        Action::Rebalance { .. } => "rebalance",
        Action::Fault {
            fault: FaultSpec::Stall { .. },
        } => "fault stall",
        Action::Fault {
            fault: FaultSpec::IgnorePings { .. },
        } => "fault ignore-pings",
        Action::Fault {
            fault: FaultSpec::DropMessages { .. },
        } => "fault drop-messages",
        Action::Fault {
            fault: FaultSpec::DuplicateMessages { .. },
        } => "fault duplicate-messages",
        Action::Fault {
            fault: FaultSpec::ReorderMessages { .. },
        } => "fault reorder-messages",
    }
}

/// The next event or late pool, `elapsed` into the steady phase.
fn upcoming_action(plan: &Plan, elapsed: Duration) -> Option<UpcomingAction> {
    let events = plan
        .events
        .iter()
        .map(|event| (event.at, event_title(event)));
    let pools = plan
        .devices
        .iter()
        .filter_map(|pool| Some((pool.start?, pool_title(pool))));
    events
        .chain(pools)
        .filter(|(at, _)| *at > elapsed)
        .min_by_key(|(at, _)| *at)
        .map(|(at, what)| UpcomingAction {
            after: at - elapsed,
            title: what,
        })
}

fn event_title(event: &EventSpec) -> String {
    action_title(action_name(&event.action), &event.node)
}

fn pool_title(pool: &DevicePool) -> String {
    format!("pool {} opens", pool.name)
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
    fn a_phase_is_shown_from_its_first_second() {
        let steady = RunPhase::Steady {
            from: 14,
            until: 74,
        };
        let ramp = |left| PhaseProgress::Ramp {
            sockets: 100,
            remaining: Duration::from_millis(left),
        };
        assert_eq!(at(RunPhase::Ramp, 1), PhaseProgress::Starting);
        assert_eq!(at(RunPhase::Ramp, 2), ramp(9_900));
        assert_eq!(at(steady, 13), ramp(0));
        assert!(matches!(at(steady, 14), PhaseProgress::Steady { .. }));
        assert_eq!(at(RunPhase::Drain { from: 74 }, 74), PhaseProgress::Drain);
    }

    #[test]
    fn what_comes_next_is_named_until_it_comes() {
        let steady = RunPhase::Steady { from: 0, until: 60 };
        let next = |second| match at(steady, second) {
            PhaseProgress::Steady {
                next_action: next, ..
            } => next.map(|next| (next.after.as_secs(), next.title)),
            stage => panic!("{stage:?}"),
        };
        assert_eq!(next(5), Some((15, "kill-node n2".to_owned())));
        assert_eq!(next(20), Some((10, "pool late opens".to_owned())));
        assert_eq!(next(30), None);
    }
}
