//! Whether a node takes what comes, by asking it now and then.
//!
//! | health    | ready | not ready | failed                       | refused |
//! |-----------|-------|-----------|------------------------------|---------|
//! | unknown   | up    | not_ready | down, at once                | down    |
//! | up        | up    | not_ready | down, when it is the second  | down    |
//! | not_ready | up    | not_ready | down, when it is the second  | down    |
//! | down      | up    | not_ready | down                         | down    |
//!
//! One failed check may be a short stall, so two are needed. A refused connection is certain:
//! the
//! kernel says that no process listens. A check that this host could not make changes nothing:
//! a
//! gateway without free descriptors must not mark all its nodes as down.

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
    /// No answer in time, or one that makes no sense.
    Failed,
    /// No process listens at the address.
    Refused,
    /// The check was not made: this host had no file, port or memory left.
    NotAttempted,
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

/// A node's health and the way to another.
#[derive(Debug)]
pub(super) struct HealthState {
    health: Health,
    failures: u32,
    /// Whether it was there before this gateway was.
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

    pub(super) fn health(&self) -> Health {
        self.health
    }

    /// Takes in a check; the new health if it is another.
    pub(super) fn record_probe(&mut self, checked: ProbeResult, now: Instant) -> Option<Health> {
        self.failures = match checked {
            ProbeResult::NotAttempted => self.failures,
            ProbeResult::Failed => self.failures.saturating_add(1),
            ProbeResult::Ready | ProbeResult::NotReady | ProbeResult::Refused => 0,
        };
        let before = self.health;
        self.health = match (checked, before) {
            (ProbeResult::Ready, Health::Up { since }) => Health::Up { since },
            (ProbeResult::Ready, _) => Health::Up {
                since: self.up_since(now),
            },
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

    /// Returns the time at which the node came up. Only the first success counts: a node that
    /// was down
    /// is cold again.
    fn up_since(&mut self, now: Instant) -> Option<Instant> {
        let was_there = std::mem::take(&mut self.predates_gateway);
        (!was_there).then_some(now)
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

    /// The healths that a row of checks leads to.
    fn states_after(is_old: bool, checks: &[ProbeResult]) -> Vec<&'static str> {
        let now = Instant::now();
        let mut pulse = HealthState::new(is_old);
        let mut step = |checked: &ProbeResult| {
            pulse.record_probe(*checked, now);
            pulse.health().label()
        };
        checks.iter().map(&mut step).collect()
    }

    #[test]
    fn the_table_holds() {
        use ProbeResult::{Failed, NotAttempted, NotReady, Ready, Refused};
        assert_eq!(
            states_after(
                false,
                &[Ready, Failed, Ready, Failed, Failed, Failed, Ready]
            ),
            ["up", "up", "up", "up", "down", "down", "up"]
        );
        assert_eq!(states_after(false, &[Failed, Ready]), ["down", "up"]);
        assert_eq!(
            states_after(false, &[Ready, NotReady, Failed, Failed, NotReady, Ready]),
            ["up", "not_ready", "not_ready", "down", "not_ready", "up"]
        );
        assert_eq!(
            states_after(false, &[Ready, Refused, Ready]),
            ["up", "down", "up"]
        );
        assert_eq!(
            states_after(
                false,
                &[
                    NotAttempted,
                    Ready,
                    Failed,
                    NotAttempted,
                    NotAttempted,
                    Failed
                ]
            ),
            ["joining", "up", "up", "up", "up", "down"]
        );
    }

    #[test]
    fn who_was_there_before_is_warm_until_it_was_down() {
        let now = Instant::now();
        let mut pulse = HealthState::new(true);
        assert_eq!(
            pulse.record_probe(ProbeResult::Ready, now),
            Some(Health::Up { since: None })
        );
        pulse.record_probe(ProbeResult::Refused, now);
        let since = Some(now);
        assert_eq!(
            pulse.record_probe(ProbeResult::Ready, now),
            Some(Health::Up { since })
        );
        assert_eq!(pulse.record_probe(ProbeResult::Ready, now), None);
    }
}
