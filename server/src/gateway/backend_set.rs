//! The nodes behind a gateway, and who of them gets what comes next.
//!
//! Nodes come and go by membership. A node is known by its name and its life: one
//! that begins again begins with nothing. Everything is decided under one short
//! lock, so that two sockets that come at once see each other.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use rand::{SeedableRng, rngs::SmallRng};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    backend::{Backend, BackendTier},
    backend_load::{BackendLoad, ConnectionGuard, LoadSnapshot, RequestGuard},
    config::{GatewayConfig, LoadMetric},
    health::ProbeResult,
    policy::{Candidate, Picker},
    slow_start,
    upstream::Upstream,
};
use crate::{backplane::View, id::NodeId, message::LoadReport};

/// Time after an outage of the backplane in which a node may be missing and still counts as a
/// backend. All nodes reconnect by themselves, each with a backoff of up to two seconds.
const REJOIN_TIMEOUT: Duration = Duration::from_secs(5);

/// All nodes that this gateway knows.
pub(super) struct BackendSet {
    load_metric: LoadMetric,
    slow_start: Duration,
    inner: Mutex<BackendSetState>,
}

struct BackendSetState {
    /// Ordered, as policies want their candidates.
    backends: BTreeMap<NodeId, Backend>,
    /// Every life that a lease may still belong to.
    loads: HashMap<NodeIncarnation, Weak<BackendLoad>>,
    socket_picker: Picker,
    request_picker: Picker,
    rng: SmallRng,
    /// Whether there was a view before.
    has_view: bool,
    /// Whether the last view was that of a gateway cut off from the backplane.
    is_disconnected: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct NodeIncarnation {
    id: NodeId,
    incarnation: u64,
}

/// The node chosen for a socket.
pub(super) struct SocketPick {
    pub(super) upstream: Arc<Upstream>,
    pub(super) guard: ConnectionGuard,
    /// Cancelled when the node goes down or leaves the membership.
    pub(super) unavailable: CancellationToken,
}

/// The node chosen for a request.
pub(super) struct RequestPick {
    pub(super) upstream: Arc<Upstream>,
    pub(super) guard: RequestGuard,
    /// Cancelled when the node goes down or leaves the membership.
    pub(super) unavailable: CancellationToken,
}

/// A node at one moment, for those who look on.
#[derive(Debug, Clone)]
pub(super) struct BackendStatus {
    pub(super) id: NodeId,
    pub(super) incarnation: u64,
    pub(super) address: String,
    pub(super) state: &'static str,
    /// Whether it is given new sockets.
    pub(super) accepts_sockets: bool,
    /// Sockets ever assigned to it.
    pub(super) assigned: u64,
    /// The sockets in the node's latest report.
    pub(super) reported_sockets: Option<u64>,
    /// The load of its own making that it said last.
    pub(super) reported_load: Option<f64>,
    /// The load that the policy compares.
    pub(super) load: Option<f64>,
}

impl BackendSet {
    /// Returns an empty set. The seed determines every random choice.
    pub(super) fn new(config: &GatewayConfig, seed: u64) -> Self {
        Self {
            load_metric: config.load_metric,
            slow_start: config.slow_start,
            inner: Mutex::new(BackendSetState {
                backends: BTreeMap::new(),
                loads: HashMap::new(),
                socket_picker: Picker::new(config.policy, seed),
                request_picker: Picker::new(config.policy, seed.wrapping_add(1)),
                rng: SmallRng::seed_from_u64(seed.wrapping_add(2)),
                has_view: false,
                is_disconnected: false,
            }),
        }
    }

    /// Goes over to another view; answers the lives that are new. Cut off from the
    /// backplane, the last members are most likely still there, and so they are for a
    /// moment after: whether they answer is for their checks to say.
    pub(super) fn apply_view(&self, view: &View, now: Instant) -> Vec<Arc<Upstream>> {
        let mut inner = self.lock();
        let was_disconnected = std::mem::replace(&mut inner.is_disconnected, !view.connected);
        if !view.connected {
            return Vec::new();
        }
        if was_disconnected {
            let all = inner.backends.values_mut();
            all.for_each(|backend| backend.set_rejoin_deadline(now + REJOIN_TIMEOUT));
        }
        let predates_gateway = !std::mem::replace(&mut inner.has_view, true);
        let is_there = |id: &NodeId| view.nodes().any(|node| node.id == *id);
        inner
            .backends
            .retain(|id, backend| backend.update_membership(is_there(id), now));
        inner.loads.retain(|_, load| load.strong_count() > 0);
        let mut newcomers = Vec::new();
        for node in view.nodes() {
            let Some(address) = &node.address else {
                continue;
            };
            let upstream = Upstream::new(node.id.clone(), node.incarnation, address.clone());
            if let Some(upstream) = inner.insert_backend(upstream, predates_gateway) {
                newcomers.push(upstream);
            }
        }
        newcomers
    }

    /// When the present view is to be adopted again: when a node that is waited for
    /// should have come back.
    pub(super) fn next_rejoin_deadline(&self) -> Option<Instant> {
        let inner = self.lock();
        let awaited = inner.backends.values().filter_map(Backend::rejoin_deadline);
        // Cut off again, it begins anew with the end of that.
        awaited.min().filter(|_| !inner.is_disconnected)
    }

    /// A node says what it carries. What another life of it said is not of this one.
    pub(super) fn record_report(&self, from: &NodeId, report: &LoadReport) {
        let mut inner = self.lock();
        if let Some(backend) = inner.backends.get_mut(from)
            && backend.upstream.incarnation == report.incarnation
        {
            backend.load.record_report(report);
            backend.accepts_sockets = report.accepts_sockets;
        }
    }

    /// A node was looked at, or met in passing; whether it is still of interest.
    pub(super) fn record_probe(
        &self,
        upstream: &Arc<Upstream>,
        checked: ProbeResult,
        now: Instant,
    ) -> bool {
        let mut inner = self.lock();
        let Some(backend) = inner
            .backends
            .get_mut(&upstream.id)
            .filter(|backend| Arc::ptr_eq(&backend.upstream, upstream))
        else {
            return false;
        };
        if let Some(health) = backend.record_probe(checked, now) {
            tracing::info!(node = %upstream.id, health = health.label(), "a node's health");
        }
        true
    }

    /// Chooses a node for a new socket, but none of `tried`.
    pub(super) fn pick_for_socket(&self, tried: &[NodeId], now: Instant) -> Option<SocketPick> {
        let mut inner = self.lock();
        let BackendSetState {
            backends,
            socket_picker,
            rng,
            ..
        } = &mut *inner;
        let taking = in_tier(backends, tried, BackendTier::AcceptsSockets);
        let admitted = filter_slow_start(taking, self.slow_start, now, rng);
        let candidates = candidates_by_load(&admitted, self.load_metric);
        let chosen = &socket_picker.pick(&candidates)?.id;
        let backend = backends.get_mut(chosen)?;
        backend.assigned += 1;
        Some(SocketPick {
            upstream: Arc::clone(&backend.upstream),
            guard: backend.load.start_connection(),
            unavailable: backend.unavailable(),
        })
    }

    /// Chooses a node for a request, without the nodes `tried`. Prefers nodes that accept
    /// sockets,
    /// then nodes that answer requests, then nodes whose health is unknown.
    pub(super) fn pick_for_request(&self, tried: &[NodeId], now: Instant) -> Option<RequestPick> {
        let mut inner = self.lock();
        let BackendSetState {
            backends,
            request_picker,
            rng,
            ..
        } = &mut *inner;
        let tiers = untried(backends, tried).filter_map(Backend::tier);
        let best = in_tier(backends, tried, tiers.min()?);
        let candidates =
            candidates_by_requests(&filter_slow_start(best, self.slow_start, now, rng));
        let chosen = &request_picker.pick(&candidates)?.id;
        let backend = backends.get(chosen)?;
        Some(RequestPick {
            upstream: Arc::clone(&backend.upstream),
            guard: backend.load.start_request(),
            unavailable: backend.unavailable(),
        })
    }

    /// Whether this life of a node is up.
    pub(super) fn is_up(&self, upstream: &Arc<Upstream>) -> bool {
        let inner = self.lock();
        inner
            .backends
            .get(&upstream.id)
            .is_some_and(|backend| Arc::ptr_eq(&backend.upstream, upstream) && backend.is_up())
    }

    /// Whether some node takes sockets.
    pub(super) fn accepts_sockets(&self) -> bool {
        let inner = self.lock();
        let mut tiers = inner.backends.values().filter_map(Backend::tier);
        tiers.any(|tier| tier == BackendTier::AcceptsSockets)
    }

    /// Every node of the view, in the order of their names.
    pub(super) fn statuses(&self) -> Vec<BackendStatus> {
        let inner = self.lock();
        let statuses = inner.backends.values().map(|backend| {
            let now = backend.load.snapshot();
            BackendStatus {
                id: backend.upstream.id.clone(),
                incarnation: backend.upstream.incarnation,
                address: backend.upstream.address.clone(),
                state: backend.state_label(),
                accepts_sockets: backend.tier() == Some(BackendTier::AcceptsSockets),
                assigned: backend.assigned,
                reported_sockets: now.reported_sockets(),
                reported_load: now.reported_load(),
                load: now.load(self.load_metric),
            }
        });
        statuses.collect()
    }

    /// This gateway's sockets and requests at each node, in all its lives; one that has
    /// left is there as long as it has any.
    pub(super) fn loads_by_node(&self) -> BTreeMap<NodeId, LoadSnapshot> {
        let inner = self.lock();
        let mut counts: BTreeMap<NodeId, LoadSnapshot> = BTreeMap::new();
        for (incarnation, load) in &inner.loads {
            if let Some(load) = load.upgrade() {
                let sum = counts.entry(incarnation.id.clone()).or_default();
                sum.add(&load.snapshot());
            }
        }
        counts
    }

    /// The present life of a node.
    #[cfg(test)]
    pub(super) fn upstream(&self, id: &NodeId) -> Option<Arc<Upstream>> {
        let inner = self.lock();
        let backend = inner.backends.get(id)?;
        Some(Arc::clone(&backend.upstream))
    }

    fn lock(&self) -> MutexGuard<'_, BackendSetState> {
        self.inner.lock()
    }
}

impl BackendSetState {
    /// Takes in a life, unless it is known; answers it if it is new. One that was
    /// away without having ended finds its account again.
    fn insert_backend(
        &mut self,
        upstream: Upstream,
        predates_gateway: bool,
    ) -> Option<Arc<Upstream>> {
        let known = self.backends.get(&upstream.id);
        if known.is_some_and(|known| known.is_same_incarnation(&upstream)) {
            return None;
        }
        let assigned = known.map_or(0, |known| known.assigned);
        let incarnation = NodeIncarnation {
            id: upstream.id.clone(),
            incarnation: upstream.incarnation,
        };
        let load = self.loads.get(&incarnation).and_then(Weak::upgrade);
        let load = load.unwrap_or_default();
        self.loads.insert(incarnation, Arc::downgrade(&load));
        let upstream = Arc::new(upstream);
        let backend = Backend::new(Arc::clone(&upstream), load, assigned, predates_gateway);
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

/// Keeps the nodes that slow start admits. Keeps all if it admits none, because the first
/// request has to go somewhere.
fn filter_slow_start<'b>(
    all: Vec<&'b Backend>,
    slow_start: Duration,
    now: Instant,
    rng: &mut SmallRng,
) -> Vec<&'b Backend> {
    let mut warm = all.clone();
    warm.retain(|backend| slow_start::admits(backend.slow_start_weight(slow_start, now), rng));
    if warm.is_empty() { all } else { warm }
}

/// Compares nodes by requests under way, whatever sockets they hold. Otherwise the emptiest
/// node
/// would get all requests while traffic is low.
fn candidates_by_requests(backends: &[&Backend]) -> Vec<Candidate> {
    let nodes = backends.iter().map(|backend| Candidate {
        id: backend.upstream.id.clone(),
        load: backend.load.snapshot().requests as f64,
        sockets: 0,
    });
    nodes.collect()
}

/// Compares nodes by the load that all of them report. If one does not report it, compares
/// their
/// sockets.
fn candidates_by_load(backends: &[&Backend], measure: LoadMetric) -> Vec<Candidate> {
    let counts: Vec<LoadSnapshot> = backends
        .iter()
        .map(|backend| backend.load.snapshot())
        .collect();
    let loads: Option<Vec<f64>> = counts.iter().map(|counts| counts.load(measure)).collect();
    let loads = loads.unwrap_or_else(|| {
        counts
            .iter()
            .map(|counts| counts.sockets() as f64)
            .collect()
    });
    let nodes = backends.iter().zip(&counts).zip(loads);
    nodes
        .map(|((backend, counts), load)| Candidate {
            id: backend.upstream.id.clone(),
            load,
            sockets: counts.sockets(),
        })
        .collect()
}
