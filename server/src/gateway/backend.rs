//! One node in the fleet.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    account::Account,
    health::{Health, Pulse},
    slow_start,
    upstream::Upstream,
};

/// A node, in its present life.
pub(super) struct Backend {
    pub(super) upstream: Arc<Upstream>,
    pub(super) account: Arc<Account>,
    pub(super) pulse: Pulse,
    /// Whether it says that it wants new sockets.
    pub(super) accepts: bool,
    /// Sockets ever assigned to the node, in whatever life.
    pub(super) assigned: u64,
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
        }
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
