//! Whether a node takes what comes, by asking it now and then.
//!
//! | health    | ready | not ready | failed                       | refused |
//! |-----------|-------|-----------|------------------------------|---------|
//! | unknown   | up    | not-ready | down, at once                | down    |
//! | up        | up    | not-ready | down, when it is the second  | down    |
//! | not-ready | up    | not-ready | down, when it is the second  | down    |
//! | down      | up    | not-ready | down                         | down    |
//!
//! One failed check may be a moment's stall. A refused connection is the kernel's
//! word that nobody listens. A check that this end could not make changes nothing:
//! a gateway out of open files must not take all its nodes for dead.

use tokio::time::Instant;

/// Failed checks in a row that make a node down.
const FALL: u32 = 2;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checked {
    /// It takes what comes.
    Ready,
    /// It answers that it does not want sockets.
    NotReady,
    /// No answer in time, or one that makes no sense.
    Failed,
    /// Nobody listens there.
    Refused,
    /// It was not asked: there was no file, port or memory left at this end.
    NotAsked,
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
pub(super) struct Pulse {
    health: Health,
    failures: u32,
    /// Whether it was there before this gateway was.
    is_old: bool,
}

impl Pulse {
    /// Of a node that was there before this gateway, or came later.
    pub(super) fn new(is_old: bool) -> Self {
        Self {
            health: Health::Unknown,
            failures: 0,
            is_old,
        }
    }

    pub(super) fn health(&self) -> Health {
        self.health
    }

    /// Takes in a check; the new health if it is another.
    pub(super) fn checked(&mut self, checked: Checked, now: Instant) -> Option<Health> {
        self.failures = match checked {
            Checked::NotAsked => self.failures,
            Checked::Failed => self.failures.saturating_add(1),
            Checked::Ready | Checked::NotReady | Checked::Refused => 0,
        };
        let before = self.health;
        self.health = match (checked, before) {
            (Checked::Ready, Health::Up { since }) => Health::Up { since },
            (Checked::Ready, _) => Health::Up {
                since: self.came(now),
            },
            (Checked::NotReady, _) => Health::NotReady,
            (Checked::Refused, _) | (Checked::Failed, Health::Unknown | Health::Down) => {
                Health::Down
            }
            (Checked::NotAsked, before) => before,
            (Checked::Failed, before) if self.failures < FALL => before,
            (Checked::Failed, _) => Health::Down,
        };
        if self.health == Health::Down {
            self.is_old = false;
        }
        (self.health != before).then_some(self.health)
    }

    /// Only the first time counts: one that was down comes back cold.
    fn came(&mut self, now: Instant) -> Option<Instant> {
        let was_there = std::mem::take(&mut self.is_old);
        (!was_there).then_some(now)
    }
}

impl Health {
    /// As in `/nodes` and `highwater_gateway_node_state{state}`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Unknown => "joining",
            Self::Up { .. } => "up",
            Self::NotReady => "not-ready",
            Self::Down => "down",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The healths that a row of checks leads to.
    fn way(is_old: bool, checks: &[Checked]) -> Vec<&'static str> {
        let now = Instant::now();
        let mut pulse = Pulse::new(is_old);
        let mut step = |checked: &Checked| {
            pulse.checked(*checked, now);
            pulse.health().word()
        };
        checks.iter().map(&mut step).collect()
    }

    #[test]
    fn the_table_holds() {
        use Checked::{Failed, NotAsked, NotReady, Ready, Refused};
        assert_eq!(
            way(
                false,
                &[Ready, Failed, Ready, Failed, Failed, Failed, Ready]
            ),
            ["up", "up", "up", "up", "down", "down", "up"]
        );
        assert_eq!(way(false, &[Failed, Ready]), ["down", "up"]);
        assert_eq!(
            way(false, &[Ready, NotReady, Failed, Failed, NotReady, Ready]),
            ["up", "not-ready", "not-ready", "down", "not-ready", "up"]
        );
        assert_eq!(way(false, &[Ready, Refused, Ready]), ["up", "down", "up"]);
        assert_eq!(
            way(
                false,
                &[NotAsked, Ready, Failed, NotAsked, NotAsked, Failed]
            ),
            ["joining", "up", "up", "up", "up", "down"]
        );
    }

    #[test]
    fn who_was_there_before_is_warm_until_it_was_down() {
        let now = Instant::now();
        let mut pulse = Pulse::new(true);
        assert_eq!(
            pulse.checked(Checked::Ready, now),
            Some(Health::Up { since: None })
        );
        pulse.checked(Checked::Refused, now);
        let since = Some(now);
        assert_eq!(
            pulse.checked(Checked::Ready, now),
            Some(Health::Up { since })
        );
        assert_eq!(pulse.checked(Checked::Ready, now), None);
    }
}
