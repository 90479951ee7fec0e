//! One node in the fleet.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    backend_load::Account,
    health::{Checked, Health, Pulse},
    slow_start,
    upstream::Upstream,
};

/// A node, in its present life.
pub(super) struct Backend {
    pub(super) upstream: Arc<Upstream>,
    pub(super) account: Arc<Account>,
    pulse: Pulse,
    /// Whether it says that it wants new sockets.
    pub(super) accepts: bool,
    /// Sockets ever assigned to the node, in whatever life.
    pub(super) assigned: u64,
    /// Cancelled when it goes down, or is no member any more.
    fallen: CancellationToken,
    /// Until when it is kept without being a member: it may be on its way back to a
    /// backplane that was away.
    awaited: Option<Instant>,
}

/// What a node is good for, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    TakesSockets,
    /// It leaves, or lacks something: it still knows who has which device.
    Answers,
    NotKnownYet,
}

impl Backend {
    pub(super) fn new(
        upstream: Arc<Upstream>,
        account: Arc<Account>,
        assigned: u64,
        is_old: bool,
    ) -> Self {
        Self {
            upstream,
            account,
            pulse: Pulse::new(is_old),
            accepts: true,
            assigned,
            fallen: CancellationToken::new(),
            awaited: None,
        }
    }

    /// Takes in a check; the new health if it is another. Who waits for a node that
    /// goes down is told.
    pub(super) fn checked(&mut self, checked: Checked, now: Instant) -> Option<Health> {
        let health = self.pulse.checked(checked, now)?;
        if health == Health::Down {
            std::mem::take(&mut self.fallen).cancel();
        }
        Some(health)
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.pulse.health(), Health::Up { .. })
    }

    /// Tells who waits for an answer that none is to be expected.
    pub(super) fn fallen(&self) -> CancellationToken {
        self.fallen.clone()
    }

    /// From now until then it need not be a member.
    pub(super) fn wait_until(&mut self, end: Instant) {
        self.awaited = Some(end);
    }

    /// Until when it need not be a member, if it is none.
    pub(super) fn awaited(&self) -> Option<Instant> {
        self.awaited
    }

    /// Whether it is still one of the fleet, being a member or not. Who has come back
    /// is waited for no more.
    pub(super) fn stays(&mut self, is_member: bool, now: Instant) -> bool {
        self.awaited = self.awaited.filter(|end| !is_member && now < *end);
        is_member || self.awaited.is_some()
    }

    /// Whether this is the way to that life already.
    pub(super) fn is_at(&self, upstream: &Upstream) -> bool {
        self.upstream.epoch == upstream.epoch && self.upstream.address == upstream.address
    }

    /// `None` when nothing must be sent there.
    pub(super) fn tier(&self) -> Option<Tier> {
        match self.pulse.health() {
            Health::Up { .. } if self.accepts => Some(Tier::TakesSockets),
            Health::Up { .. } | Health::NotReady => Some(Tier::Answers),
            Health::Unknown => Some(Tier::NotKnownYet),
            Health::Down => None,
        }
    }

    /// The part of its share that it gets now: 0 to 1.
    pub(super) fn part(&self, slow_start: Duration, now: Instant) -> f64 {
        match self.pulse.health() {
            Health::Up { since: Some(since) } => {
                slow_start::part(now.saturating_duration_since(since), slow_start)
            }
            _ => 1.0,
        }
    }

    /// In a word, for those who look on.
    pub(super) fn state(&self) -> &'static str {
        match self.pulse.health() {
            Health::Up { .. } | Health::NotReady if !self.accepts => "draining",
            health => health.word(),
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.fallen.cancel();
    }
}
