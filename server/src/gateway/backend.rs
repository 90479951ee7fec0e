//! One node in the fleet.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    backend_load::BackendLoad,
    health::{Health, HealthState, ProbeResult},
    slow_start,
    upstream::Upstream,
};

/// A node, in its present life.
pub(super) struct Backend {
    pub(super) upstream: Arc<Upstream>,
    pub(super) load: Arc<BackendLoad>,
    health_state: HealthState,
    /// Whether it says that it wants new sockets.
    pub(super) accepts_sockets: bool,
    /// Sockets ever assigned to the node, in whatever life.
    pub(super) assigned: u64,
    /// Cancelled when the node goes down or leaves the membership.
    unavailable: CancellationToken,
    /// Time until which the node is kept although it is not a member: it may still be
    /// rejoining a
    /// backplane that was unavailable.
    rejoin_deadline: Option<Instant>,
}

/// The traffic that a node can take, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BackendTier {
    AcceptsSockets,
    /// The node is leaving or not ready, and still knows the owners of devices.
    AnswersRequests,
    Unknown,
}

impl Backend {
    pub(super) fn new(
        upstream: Arc<Upstream>,
        load: Arc<BackendLoad>,
        assigned: u64,
        predates_gateway: bool,
    ) -> Self {
        Self {
            upstream,
            load,
            health_state: HealthState::new(predates_gateway),
            accepts_sockets: true,
            assigned,
            unavailable: CancellationToken::new(),
            rejoin_deadline: None,
        }
    }

    /// Records a health check. Returns the new health if it changed. A node that goes down
    /// cancels
    /// `unavailable`, which wakes all that wait for it.
    pub(super) fn record_probe(&mut self, checked: ProbeResult, now: Instant) -> Option<Health> {
        let health = self.health_state.record_probe(checked, now)?;
        if health == Health::Down {
            std::mem::take(&mut self.unavailable).cancel();
        }
        Some(health)
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.health_state.health(), Health::Up { .. })
    }

    /// Tells who waits for an answer that none is to be expected.
    pub(super) fn unavailable(&self) -> CancellationToken {
        self.unavailable.clone()
    }

    /// Keeps the node until `end` although it is not a member.
    pub(super) fn set_rejoin_deadline(&mut self, end: Instant) {
        self.rejoin_deadline = Some(end);
    }

    /// Returns the time until which the node is kept although it is not a member.
    pub(super) fn rejoin_deadline(&self) -> Option<Instant> {
        self.rejoin_deadline
    }

    /// Whether it is still one of the fleet, being a member or not. Who has come back
    /// is waited for no more.
    pub(super) fn update_membership(&mut self, is_member: bool, now: Instant) -> bool {
        self.rejoin_deadline = self.rejoin_deadline.filter(|end| !is_member && now < *end);
        is_member || self.rejoin_deadline.is_some()
    }

    /// Whether this is the way to that life already.
    pub(super) fn is_same_incarnation(&self, upstream: &Upstream) -> bool {
        self.upstream.incarnation == upstream.incarnation
            && self.upstream.address == upstream.address
    }

    /// `None` when nothing must be sent there.
    pub(super) fn tier(&self) -> Option<BackendTier> {
        match self.health_state.health() {
            Health::Up { .. } if self.accepts_sockets => Some(BackendTier::AcceptsSockets),
            Health::Up { .. } | Health::NotReady => Some(BackendTier::AnswersRequests),
            Health::Unknown => Some(BackendTier::Unknown),
            Health::Down => None,
        }
    }

    /// The part of its share that it gets now: 0 to 1.
    pub(super) fn slow_start_weight(&self, slow_start: Duration, now: Instant) -> f64 {
        match self.health_state.health() {
            Health::Up { since: Some(since) } => {
                slow_start::weight(now.saturating_duration_since(since), slow_start)
            }
            _ => 1.0,
        }
    }

    /// Returns the state as one word, for metrics and `/nodes`.
    pub(super) fn state_label(&self) -> &'static str {
        match self.health_state.health() {
            Health::Up { .. } | Health::NotReady if !self.accepts_sockets => "draining",
            health => health.label(),
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.unavailable.cancel();
    }
}
