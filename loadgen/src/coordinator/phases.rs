//! The phases of a run: ramp, steady and drain.
//!
//! ```text
//! Ramp ──every socket opened or failed──► Steady ──duration──► Drain ──all done, or deadline──► end
//!  │                                         │                  ▲
//!  └────────────── interrupt, no worker left ┴──────────────────┘
//! ```
//!
//! Phases begin at whole seconds of the run's clock, so that an interval lies in one phase
//! only.

use std::time::Duration;

use highwater_scenarios::{Plan, plan::PhaseWindow};

/// Time between an announcement and its phase: the announcement must reach every worker
/// before.
pub const PHASE_LEAD_S: u64 = 2;
/// Time that workers may take in the drain in addition to results and closes. It covers
/// the wait for messages, which is at most 10 s.
const DRAIN_SLACK: Duration = Duration::from_secs(20);

/// The phase of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPhase {
    /// The ramp, in which sockets open.
    Ramp,
    /// The steady phase, which may still be ahead.
    Steady {
        /// The first second of the phase.
        from: u64,
        /// The second after the last.
        until: u64,
    },
    /// The drain, in which sockets close. It may still be ahead.
    Drain {
        /// The first second of the phase.
        from: u64,
    },
}

impl RunPhase {
    /// Returns the phase as the record names it.
    pub fn window(self) -> PhaseWindow {
        match self {
            Self::Ramp => PhaseWindow::Ramp,
            Self::Steady { .. } => PhaseWindow::Steady,
            Self::Drain { .. } => PhaseWindow::Drain,
        }
    }
}

/// Returns the longest time that the drain of `plan` may take, if the worker with the most
/// sockets has `per_worker`.
pub fn max_drain_duration(plan: &Plan, per_worker: u64) -> Duration {
    let all: u64 = plan.devices.iter().map(|pool| pool.count).sum();
    // A worker closes 2,000 sockets per second. All workers may share one machine: two cores
    // that ran both ends of 860,000 sockets closed 7,000 per second.
    let closes = Duration::from_millis((per_worker / 2).max(all / 5));
    plan.longest_response_wait() + closes + DRAIN_SLACK
}

/// Returns how many sockets `plan` wants open, `since_ramp` after the start of the ramp and
/// `since_steady` after that of the steady phase.
pub fn sockets_wanted_by(plan: &Plan, since_ramp: Duration, since_steady: Option<Duration>) -> u64 {
    plan.devices
        .iter()
        .map(|pool| {
            let since = match pool.start {
                None => Some(since_ramp),
                // A late pool's start counts from the steady phase.
                Some(start) => since_steady.and_then(|since| since.checked_sub(start)),
            };
            let due = |since: Duration| since.as_secs_f64() * pool.ramp.as_per_second();
            // The first socket is due at 0.
            since.map_or(0, |since| (due(since) as u64 + 1).min(pool.count))
        })
        .sum()
}
