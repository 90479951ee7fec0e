//! Ramp, steady, drain, and when one becomes the next.
//!
//! ```text
//! Ramp ──every socket opened or failed──► Steady ──duration──► Drain ──all done, or too late──► over
//!  │                                         │                  ▲
//!  └────────────── interrupt, no worker left ┴──────────────────┘
//! ```
//!
//! Phases begin at whole seconds of the run's clock, so that an interval lies
//! in one phase only.

use std::time::Duration;

use highwater_scenarios::{Plan, plan::PhaseWindow};

/// Time that an announcement takes to reach every worker.
const PHASE_LEAD_S: u64 = 2;
/// What workers may take in the drain beyond what its work takes.
const DRAIN_SLACK: Duration = Duration::from_secs(20);

/// The phase of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPhase {
    /// Sockets open.
    Ramp,
    /// The steady phase, possibly still some moments ahead.
    Steady {
        /// Its first second.
        from: u64,
        /// The second after its last.
        until: u64,
    },
    /// Sockets close, possibly still a moment ahead.
    Drain {
        /// Its first second.
        from: u64,
    },
}

impl RunPhase {
    /// The steady phase, announced at `now`.
    pub fn steady(plan: &Plan, now: Duration) -> Self {
        let from = now.as_secs() + PHASE_LEAD_S;
        let length = plan.duration.as_secs() + u64::from(plan.duration.subsec_nanos() > 0);
        Self::Steady {
            from,
            until: from + length,
        }
    }

    /// The drain, at once.
    pub fn drain(now: Duration) -> Self {
        Self::Drain {
            from: now.as_secs() + 1,
        }
    }

    /// As in the record.
    pub fn window(self) -> PhaseWindow {
        match self {
            Self::Ramp => PhaseWindow::Ramp,
            Self::Steady { .. } => PhaseWindow::Steady,
            Self::Drain { .. } => PhaseWindow::Drain,
        }
    }
}

/// The longest that the drain of `plan` should take when the busiest worker
/// has `sockets` sockets.
pub fn max_drain_duration(plan: &Plan, sockets: u64) -> Duration {
    let closes = Duration::from_millis(sockets / 2);
    plan.longest_response_wait() + closes + DRAIN_SLACK
}

/// How many sockets `plan` wants open `since_ramp` after the ramp's start and
/// `since_steady` after the steady phase's.
pub fn sockets_wanted_by(plan: &Plan, since_ramp: Duration, since_steady: Option<Duration>) -> u64 {
    plan.devices
        .iter()
        .map(|pool| {
            let since = match pool.start {
                None => Some(since_ramp),
                Some(start) => since_steady.and_then(|since| since.checked_sub(start)),
            };
            since.map_or(0, |since| {
                let due = since.as_secs_f64() * pool.ramp.as_per_second();
                (due as u64 + 1).min(pool.count)
            })
        })
        .sum()
}
