//! The nodes behind a gateway, and the choice among them.
//!
//! Nodes come and go by membership. A backend is one incarnation of a node: a restarted node
//! begins with empty counts.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use rand::{SeedableRng, rngs::SmallRng};
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    allowed_networks::AllowedNetworks,
    backend::{Backend, BackendTier, Pick},
    backend_load::{BackendLoad, ConnectionGuard, LoadSnapshot, RequestGuard},
    config::{GatewayConfig, LoadMetric},
    health::{Health, HealthState, Probe},
    policy::{Candidate, Picker},
    slow_start,
    upstream::Upstream,
};
use crate::{
    backplane::{Member, View},
    id::NodeId,
    message::LoadReport,
};

/// Time after an outage of the backplane in which a node may be missing and still counts as a
/// backend. All nodes reconnect by themselves, each with a backoff of up to two seconds.
const REJOIN_TIMEOUT: Duration = Duration::from_secs(5);

/// All nodes that this gateway knows.
pub(super) struct BackendSet {
    load_metric: LoadMetric,
    slow_start: Duration,
    allowed_networks: AllowedNetworks,
    // One lock for the choice and its count, so that simultaneous sockets count each other.
    inner: Mutex<BackendSetState>,
}

struct BackendSetState {
    /// The nodes by name: round-robin goes by this order.
    backends: BTreeMap<NodeId, Backend>,
    /// Every incarnation that may still have guards.
    loads: HashMap<NodeIncarnation, Weak<BackendLoad>>,
    /// Members of the last view whose addresses are not used; each is logged once.
    rejected: HashSet<NodeIncarnation>,
    socket_picker: Picker,
    request_picker: Picker,
    rng: SmallRng,
    /// Whether a view was applied before.
    has_view: bool,
    /// Whether this gateway was cut off from the backplane in the last view.
    is_disconnected: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct NodeIncarnation {
    id: NodeId,
    incarnation: u64,
}

impl NodeIncarnation {
    fn of(node: &Member) -> Self {
        Self {
            id: node.id.clone(),
            incarnation: node.incarnation,
        }
    }
}

/// A node at one moment, as a row of `/nodes`. Unknown values are `null`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct BackendStatus {
    pub(super) id: NodeId,
    /// Milliseconds since 1970 at the node's start.
    pub(super) incarnation: u64,
    address: String,
    pub(super) state: &'static str,
    /// Open sockets through this gateway, in all incarnations.
    active: u64,
    pending: u64,
    /// Sockets ever assigned to it.
    pub(super) assigned: u64,
    /// The sockets in the node's latest report.
    #[serde(rename = "sockets")]
    pub(super) reported_sockets: Option<u64>,
    /// The load in the node's latest report.
    reported_load: Option<f64>,
    /// The load that the policy compares.
    pub(super) load: Option<f64>,
    /// Whether the node gets new sockets.
    #[serde(skip)]
    pub(super) accepts_sockets: bool,
}

impl BackendSet {
    /// Returns an empty set. The seed determines every random choice.
    pub(super) fn new(config: &GatewayConfig, seed: u64) -> Self {
        Self {
            load_metric: config.load_metric,
            slow_start: config.slow_start,
            allowed_networks: config.allowed_networks.clone(),
            inner: Mutex::new(BackendSetState {
                backends: BTreeMap::new(),
                loads: HashMap::new(),
                rejected: HashSet::new(),
                socket_picker: Picker::new(config.policy, seed),
                request_picker: Picker::new(config.policy, seed.wrapping_add(1)),
                rng: SmallRng::seed_from_u64(seed.wrapping_add(2)),
                has_view: false,
                is_disconnected: false,
            }),
        }
    }

    /// Applies a view and returns the new incarnations.
    pub(super) fn apply_view(&self, view: &View, now: Instant) -> Vec<Arc<Upstream>> {
        let mut inner = self.inner.lock();
        let was_disconnected = std::mem::replace(&mut inner.is_disconnected, !view.connected);
        // Without the backplane the last members most likely still run. Their health checks
        // decide, now and until they have rejoined.
        if !view.connected {
            return Vec::new();
        }
        if was_disconnected {
            for backend in inner.backends.values_mut() {
                backend.rejoin_deadline = Some(now + REJOIN_TIMEOUT);
            }
        }
        let predates_gateway = !std::mem::replace(&mut inner.has_view, true);
        let is_allowed = |address: &String| self.allowed_networks.check(address).is_ok();
        let is_member = |id: &NodeId| {
            let node = view.nodes().find(|node| node.id == *id);
            node.is_some_and(|node| node.address.as_ref().is_none_or(is_allowed))
        };
        inner
            .backends
            .retain(|id, backend| backend.update_membership(is_member(id), now));
        inner.loads.retain(|_, load| load.strong_count() > 0);
        let known_rejected = std::mem::take(&mut inner.rejected);
        view.nodes()
            .filter_map(|node| {
                let address = node.address.clone()?;
                if let Err(error) = self.allowed_networks.check(&address) {
                    let incarnation = NodeIncarnation::of(node);
                    if !known_rejected.contains(&incarnation) {
                        tracing::warn!(node = %node.id, %error, "a node is not used");
                    }
                    inner.rejected.insert(incarnation);
                    return None;
                }
                let networks = self.allowed_networks.clone();
                let upstream = Upstream::new(node.id.clone(), node.incarnation, address, networks);
                inner.insert_backend(upstream, predates_gateway)
            })
            .collect()
    }

    /// Returns the time at which the current view must be applied again, because a node has not
    /// rejoined.
    pub(super) fn next_rejoin_deadline(&self) -> Option<Instant> {
        let inner = self.inner.lock();
        let backends = inner.backends.values();
        let deadlines = backends.filter_map(|backend| backend.rejoin_deadline);
        // In another outage all deadlines are void: its end sets new ones.
        deadlines.min().filter(|_| !inner.is_disconnected)
    }

    /// Takes over a node's report.
    pub(super) fn record_report(&self, from: &NodeId, report: &LoadReport) {
        let mut inner = self.inner.lock();
        // A report of another incarnation may be late, or precede its view.
        if let Some(backend) = inner.backends.get_mut(from)
            && backend.upstream.incarnation == report.incarnation
        {
            backend.load.record_report(report);
            backend.accepts_sockets = report.accepts_sockets;
        }
    }

    /// Records a health check, or the error of a connection, which counts as one. Returns the
    /// node's health; `None` if this incarnation is no longer a backend.
    pub(super) fn record_probe(
        &self,
        upstream: &Arc<Upstream>,
        checked: impl Into<Probe>,
        now: Instant,
    ) -> Option<Health> {
        let checked = checked.into();
        let mut inner = self.inner.lock();
        let backend = inner.backends.get_mut(&upstream.id)?;
        if !Arc::ptr_eq(&backend.upstream, upstream) {
            return None;
        }
        if let Some(health) = backend.record_probe(checked.result, now) {
            let (node, address, health) = (&upstream.id, &upstream.address, health.label());
            match checked.reason {
                None => tracing::info!(%node, health, "a node's health changed"),
                Some(reason) => {
                    tracing::warn!(%node, address, health, reason, "a node's health changed");
                }
            }
        }
        Some(backend.health_state.health)
    }

    /// Chooses a node for a new socket, without the nodes `tried`.
    pub(super) fn pick_for_socket(
        &self,
        tried: &[NodeId],
        now: Instant,
    ) -> Option<Pick<ConnectionGuard>> {
        let inner = &mut *self.inner.lock();
        let ready = in_tier(&inner.backends, tried, BackendTier::AcceptsSockets);
        let admitted = filter_slow_start(ready, self.slow_start, now, &mut inner.rng);
        let candidates = candidates_by_load(&admitted, self.load_metric);
        let chosen = &inner.socket_picker.pick(&candidates)?.id;
        let backend = inner.backends.get_mut(chosen)?;
        backend.assigned += 1;
        Some(backend.pick(backend.load.start_connection()))
    }

    /// Chooses a node for a request, without the nodes `tried`. Prefers nodes that accept
    /// sockets, then nodes that answer requests, then nodes whose health is unknown.
    pub(super) fn pick_for_request(
        &self,
        tried: &[NodeId],
        now: Instant,
    ) -> Option<Pick<RequestGuard>> {
        let inner = &mut *self.inner.lock();
        let tiers = untried(&inner.backends, tried).filter_map(Backend::tier);
        let best = in_tier(&inner.backends, tried, tiers.min()?);
        let admitted = filter_slow_start(best, self.slow_start, now, &mut inner.rng);
        let candidates = candidates_by_requests(&admitted);
        let chosen = &inner.request_picker.pick(&candidates)?.id;
        let backend = inner.backends.get(chosen)?;
        Some(backend.pick(backend.load.start_request()))
    }

    /// Whether a node accepts sockets.
    pub(super) fn accepts_sockets(&self) -> bool {
        let inner = self.inner.lock();
        let mut tiers = inner.backends.values().filter_map(Backend::tier);
        tiers.any(|tier| tier == BackendTier::AcceptsSockets)
    }

    /// Returns the status of every backend, by name.
    pub(super) fn statuses(&self) -> Vec<BackendStatus> {
        let inner = self.inner.lock();
        let own_loads = inner.loads_by_node();
        let status = |backend: &Backend| {
            let snapshot = backend.load.snapshot();
            let upstream = &backend.upstream;
            let own = own_loads.get(&upstream.id);
            BackendStatus {
                id: upstream.id.clone(),
                incarnation: upstream.incarnation,
                address: upstream.address.clone(),
                state: backend.state_label(),
                active: own.map_or(0, |own| own.active),
                pending: own.map_or(0, |own| own.pending),
                assigned: backend.assigned,
                reported_sockets: snapshot.last_report.map(|report| report.sockets),
                reported_load: snapshot.last_report.and_then(|report| report.reported_load),
                load: snapshot.load(self.load_metric),
                accepts_sockets: backend.tier() == Some(BackendTier::AcceptsSockets),
            }
        };
        inner.backends.values().map(status).collect()
    }

    /// Returns this gateway's sockets and requests at each node, in all its incarnations. A node
    /// that has left is included as long as it has any.
    pub(super) fn loads_by_node(&self) -> BTreeMap<NodeId, LoadSnapshot> {
        self.inner.lock().loads_by_node()
    }

    /// Returns the current incarnation of a node.
    #[cfg(test)]
    pub(super) fn upstream(&self, id: &NodeId) -> Option<Arc<Upstream>> {
        let inner = self.inner.lock();
        let backend = inner.backends.get(id)?;
        Some(Arc::clone(&backend.upstream))
    }
}

impl BackendSetState {
    fn loads_by_node(&self) -> BTreeMap<NodeId, LoadSnapshot> {
        let mut loads: BTreeMap<NodeId, LoadSnapshot> = BTreeMap::new();
        for (incarnation, load) in &self.loads {
            if let Some(load) = load.upgrade() {
                let sum = loads.entry(incarnation.id.clone()).or_default();
                sum.add(&load.snapshot());
            }
        }
        loads
    }

    /// Adds an incarnation and returns it, unless it is known.
    fn insert_backend(
        &mut self,
        upstream: Upstream,
        predates_gateway: bool,
    ) -> Option<Arc<Upstream>> {
        let known = self.backends.get(&upstream.id);
        if known.is_some_and(|known| {
            known.upstream.incarnation == upstream.incarnation
                && known.upstream.address == upstream.address
        }) {
            return None;
        }
        let assigned = known.map_or(0, |known| known.assigned);
        let incarnation = NodeIncarnation {
            id: upstream.id.clone(),
            incarnation: upstream.incarnation,
        };
        // An incarnation that left and is back, or has a new address, keeps its open sockets.
        let load = self.loads.get(&incarnation).and_then(Weak::upgrade);
        let load = load.unwrap_or_default();
        self.loads.insert(incarnation, Arc::downgrade(&load));
        let upstream = Arc::new(upstream);
        let backend = Backend {
            upstream: Arc::clone(&upstream),
            load,
            health_state: HealthState::new(predates_gateway),
            accepts_sockets: true,
            assigned,
            unavailable: CancellationToken::new(),
            rejoin_deadline: None,
        };
        self.backends.insert(upstream.id.clone(), backend);
        Some(upstream)
    }
}

fn untried<'b>(
    backends: &'b BTreeMap<NodeId, Backend>,
    tried: &[NodeId],
) -> impl Iterator<Item = &'b Backend> {
    let all = backends.values();
    all.filter(move |backend| !tried.contains(&backend.upstream.id))
}

fn in_tier<'b>(
    backends: &'b BTreeMap<NodeId, Backend>,
    tried: &[NodeId],
    tier: BackendTier,
) -> Vec<&'b Backend> {
    untried(backends, tried)
        .filter(|backend| backend.tier() == Some(tier))
        .collect()
}

/// Keeps the nodes that slow start admits, or all if it admits none.
fn filter_slow_start<'b>(
    all: Vec<&'b Backend>,
    slow_start: Duration,
    now: Instant,
    rng: &mut SmallRng,
) -> Vec<&'b Backend> {
    let mut warm = all.clone();
    warm.retain(|backend| slow_start::admits(backend.slow_start_weight(slow_start, now), rng));
    // If all nodes are new, one of them must still be chosen.
    if warm.is_empty() { all } else { warm }
}

/// Compares nodes by their requests under way.
fn candidates_by_requests(backends: &[&Backend]) -> Vec<Candidate> {
    let candidate = |backend: &&Backend| Candidate {
        id: backend.upstream.id.clone(),
        load: backend.load.snapshot().requests as f64,
        // While traffic is low all loads are 0: by sockets, the emptiest node would get all
        // requests.
        sockets: 0,
    };
    backends.iter().map(candidate).collect()
}

/// Compares nodes by a load that all of them report, and otherwise by sockets.
fn candidates_by_load(backends: &[&Backend], metric: LoadMetric) -> Vec<Candidate> {
    let snapshots = backends.iter().map(|backend| backend.load.snapshot());
    let snapshots: Vec<LoadSnapshot> = snapshots.collect();
    // Loads and sockets have different units, so one node without a load decides for all.
    let metric = match snapshots
        .iter()
        .all(|snapshot| snapshot.load(metric).is_some())
    {
        true => metric,
        false => LoadMetric::Sockets,
    };
    let candidate = |(backend, snapshot): (&&Backend, &LoadSnapshot)| {
        Some(Candidate {
            id: backend.upstream.id.clone(),
            load: snapshot.load(metric)?,
            sockets: snapshot.sockets(),
        })
    };
    backends
        .iter()
        .zip(&snapshots)
        .filter_map(candidate)
        .collect()
}
