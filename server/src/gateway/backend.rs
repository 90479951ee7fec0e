//! One incarnation of a node, as a backend.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    backend_load::BackendLoad,
    health::{Health, HealthState, ProbeResult},
    slow_start,
    upstream::Upstream,
};

/// The current incarnation of a node.
pub(super) struct Backend {
    pub(super) upstream: Arc<Upstream>,
    pub(super) load: Arc<BackendLoad>,
    pub(super) health_state: HealthState,
    /// Whether the node's latest report says that it accepts sockets.
    pub(super) accepts_sockets: bool,
    /// Sockets ever assigned to the node, in any incarnation.
    pub(super) assigned: u64,
    /// Cancelled when the node goes down or leaves the membership.
    pub(super) unavailable: CancellationToken,
    /// Time until which the node is kept although it is not a member: it may still be
    /// rejoining a backplane that was unavailable.
    pub(super) rejoin_deadline: Option<Instant>,
}

/// The traffic that a node can take, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BackendTier {
    AcceptsSockets,
    /// The node is leaving or not ready, and still knows the owners of devices.
    AnswersRequests,
    Unknown,
}

/// The backend chosen for a socket or a request.
pub(super) struct Pick<G> {
    pub(super) upstream: Arc<Upstream>,
    /// Counts the socket or the request until it is dropped.
    pub(super) guard: G,
    /// Cancelled when the node goes down or leaves the membership.
    pub(super) unavailable: CancellationToken,
}

impl Backend {
    pub(super) fn pick<G>(&self, guard: G) -> Pick<G> {
        Pick {
            upstream: Arc::clone(&self.upstream),
            guard,
            unavailable: self.unavailable.clone(),
        }
    }

    /// Records a health check. Returns the new health if it changed.
    pub(super) fn record_probe(&mut self, checked: ProbeResult, now: Instant) -> Option<Health> {
        let health = self.health_state.record_probe(checked, now)?;
        if health == Health::Down {
            // A new token, because the node may come back and go down again.
            std::mem::take(&mut self.unavailable).cancel();
        }
        Some(health)
    }

    /// Takes over whether the node is a member. Returns whether it stays a backend.
    pub(super) fn update_membership(&mut self, is_member: bool, now: Instant) -> bool {
        // A member has rejoined: if it leaves later, it is removed at once.
        self.rejoin_deadline = self.rejoin_deadline.filter(|end| !is_member && now < *end);
        is_member || self.rejoin_deadline.is_some()
    }

    /// Returns the traffic that the node can take; `None` if it can take none.
    pub(super) fn tier(&self) -> Option<BackendTier> {
        match self.health_state.health {
            Health::Up { .. } if self.accepts_sockets => Some(BackendTier::AcceptsSockets),
            Health::Up { .. } | Health::NotReady => Some(BackendTier::AnswersRequests),
            Health::Unknown => Some(BackendTier::Unknown),
            Health::Down => None,
        }
    }

    /// Returns the part of its share that the node gets now: 0 to 1.
    pub(super) fn slow_start_weight(&self, slow_start: Duration, now: Instant) -> f64 {
        match self.health_state.health {
            Health::Up { since: Some(since) } => {
                slow_start::weight(now.saturating_duration_since(since), slow_start)
            }
            _ => 1.0,
        }
    }

    /// Returns the state as one word, for metrics and `/nodes`.
    pub(super) fn state_label(&self) -> &'static str {
        match self.health_state.health {
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
