//! The health of a node, by its health checks.
//!
//! | health    | ready | not ready | failed                       | refused |
//! |-----------|-------|-----------|------------------------------|---------|
//! | unknown   | up    | not_ready | down, at once                | down    |
//! | up        | up    | not_ready | down, when it is the second  | down    |
//! | not_ready | up    | not_ready | down, when it is the second  | down    |
//! | down      | up    | not_ready | down                         | down    |
//!
//! One failed check may be a short stall, so two are needed. A refused connection is certain:
//! the kernel says that no process listens. A check that this host could not make changes
//! nothing: a gateway without free descriptors must not mark all its nodes as down.

use tokio::time::Instant;

/// Failed checks in a row that make a node down.
const FALL: u32 = 2;

/// The result of one health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProbeResult {
    /// The node accepts sockets.
    Ready,
    /// The node answers, and does not accept sockets.
    NotReady,
    /// No answer in time, or an unexpected one.
    Failed,
    /// No process listens at the address.
    Refused,
    /// The check was not made: this host had no free file, port or memory.
    NotAttempted,
}

/// A health check, and the reason if the node cannot take sockets.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) result: ProbeResult,
    /// The reason, for the log.
    pub(super) reason: Option<String>,
}

impl From<ProbeResult> for Probe {
    fn from(result: ProbeResult) -> Self {
        let reason = None;
        Self { result, reason }
    }
}

/// The health of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// No check has ended yet.
    Unknown,
    /// The node accepts sockets since then. `None` if it already did when this gateway
    /// started.
    Up { since: Option<Instant> },
    /// The node answers, and does not accept sockets.
    NotReady,
    /// The node does not answer.
    Down,
}

/// A node's health, and the checks that may change it.
#[derive(Debug)]
pub(super) struct HealthState {
    pub(super) health: Health,
    failures: u32,
    /// Whether the node ran before this gateway started.
    predates_gateway: bool,
}

impl HealthState {
    /// Returns the state of a node that ran before this gateway started, or of a newer one.
    pub(super) fn new(predates_gateway: bool) -> Self {
        Self {
            health: Health::Unknown,
            failures: 0,
            predates_gateway,
        }
    }

    /// Records a check. Returns the new health if it changed.
    pub(super) fn record_probe(&mut self, checked: ProbeResult, now: Instant) -> Option<Health> {
        self.failures = match checked {
            ProbeResult::NotAttempted => self.failures,
            ProbeResult::Failed => self.failures.saturating_add(1),
            ProbeResult::Ready | ProbeResult::NotReady | ProbeResult::Refused => 0,
        };
        let before = self.health;
        self.health = match (checked, before) {
            (ProbeResult::Ready, Health::Up { since }) => Health::Up { since },
            (ProbeResult::Ready, _) => {
                // Once only: a node that was down is cold again.
                let is_warm = std::mem::take(&mut self.predates_gateway);
                Health::Up {
                    since: (!is_warm).then_some(now),
                }
            }
            (ProbeResult::NotReady, _) => Health::NotReady,
            (ProbeResult::Refused, _) | (ProbeResult::Failed, Health::Unknown | Health::Down) => {
                Health::Down
            }
            (ProbeResult::NotAttempted, before) => before,
            (ProbeResult::Failed, before) if self.failures < FALL => before,
            (ProbeResult::Failed, _) => Health::Down,
        };
        if self.health == Health::Down {
            self.predates_gateway = false;
        }
        (self.health != before).then_some(self.health)
    }
}

impl Health {
    /// Returns the label in `/nodes` and in `highwater_gateway_node_state{state}`.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Unknown => "joining",
            Self::Up { .. } => "up",
            Self::NotReady => "not_ready",
            Self::Down => "down",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the health after each check.
    fn healths_after(checks: &[ProbeResult]) -> Vec<&'static str> {
        let now = Instant::now();
        let mut state = HealthState::new(false);
        let mut step = |checked: &ProbeResult| {
            state.record_probe(*checked, now);
            state.health.label()
        };
        checks.iter().map(&mut step).collect()
    }

    #[test]
    fn health_follows_the_table() {
        use ProbeResult::{Failed, NotAttempted, NotReady, Ready, Refused};
        let table: [(&[ProbeResult], &[&str]); 5] = [
            (
                &[Ready, Failed, Ready, Failed, Failed, Failed, Ready],
                &["up", "up", "up", "up", "down", "down", "up"],
            ),
            (&[Failed, Ready], &["down", "up"]),
            (
                &[Ready, NotReady, Failed, Failed, NotReady, Ready],
                &["up", "not_ready", "not_ready", "down", "not_ready", "up"],
            ),
            (&[Ready, Refused, Ready], &["up", "down", "up"]),
            (
                &[NotAttempted, Ready, Failed, NotAttempted, Failed],
                &["joining", "up", "up", "up", "down"],
            ),
        ];
        for (checks, expected) in table {
            assert_eq!(healths_after(checks), expected);
        }
    }

    #[test]
    fn node_that_predates_the_gateway_is_warm_until_it_was_down() {
        let now = Instant::now();
        let mut state = HealthState::new(true);
        let mut record = |checked| state.record_probe(checked, now);
        let warm = record(ProbeResult::Ready);
        assert_eq!(warm, Some(Health::Up { since: None }));
        record(ProbeResult::Refused);
        let cold = record(ProbeResult::Ready);
        assert_eq!(cold, Some(Health::Up { since: Some(now) }));
        assert_eq!(record(ProbeResult::Ready), None);
    }
}
