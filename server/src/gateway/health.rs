//! Whether a node takes what comes, by asking it now and then.
//!
//! | health    | ready | not ready | failed                       | refused |
//! |-----------|-------|-----------|------------------------------|---------|
//! | unknown   | up    | not_ready | down, at once                | down    |
//! | up        | up    | not_ready | down, when it is the second  | down    |
//! | not_ready | up    | not_ready | down, when it is the second  | down    |
//! | down      | up    | not_ready | down                         | down    |
//!
//! One failed check may be a moment's stall. A refused connection is the kernel's
//! word that nobody listens. A check that this end could not make changes nothing:
//! a gateway out of open files must not take all its nodes for dead.

use tokio::time::Instant;

/// Failed checks in a row that make a node down.
const FALL: u32 = 2;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProbeResult {
    /// It takes what comes.
    Ready,
    /// It answers that it does not want sockets.
    NotReady,
    /// No answer in time, or one that makes no sense.
    Failed,
    /// Nobody listens there.
    Refused,
    /// It was not asked: there was no file, port or memory left at this end.
    NotAttempted,
}

/// What is known of a node's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// It has not been asked yet.
    Unknown,
    /// It takes what comes, since that moment; `None` when it did already as this
    /// gateway came.
    Up { since: Option<Instant> },
    /// It answers, and wants no sockets.
    NotReady,
    /// It does not answer.
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
    /// Of a node that was there before this gateway, or came later.
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

    /// Only the first time counts: one that was down comes back cold.
    fn up_since(&mut self, now: Instant) -> Option<Instant> {
        let was_there = std::mem::take(&mut self.predates_gateway);
        (!was_there).then_some(now)
    }
}

impl Health {
    /// As in `/nodes` and `highwater_gateway_node_state{state}`.
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
