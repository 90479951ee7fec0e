//! The nodes behind a gateway, and who of them gets what comes next.
//!
//! Nodes come and go by membership. A node is known by its name and its life: one
//! that begins again begins with nothing. Everything is decided under one short
//! lock, so that two sockets that come at once see each other.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use rand::{SeedableRng, rngs::SmallRng};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    backend::{Backend, Tier},
    backend_load::{Account, Counts, RequestLease, SocketLease},
    config::{GatewayConfig, LoadMeasure},
    health::Checked,
    policy::{Candidate, Chooser},
    slow_start,
    upstream::Upstream,
};
use crate::{backplane::View, cluster::message::LoadReport, id::NodeId};

/// How long after the end of an outage of the backplane a node may be away from it
/// and is still one of the fleet: all come back by themselves, each with a backoff of
/// up to two seconds.
const REJOIN_WITHIN: Duration = Duration::from_secs(5);

/// All nodes that this gateway knows.
pub(super) struct Fleet {
    measure: LoadMeasure,
    slow_start: Duration,
    inner: Mutex<Inner>,
}

struct Inner {
    /// Ordered, as policies want their candidates.
    backends: BTreeMap<NodeId, Backend>,
    /// Every life that a lease may still belong to.
    lives: HashMap<Life, Weak<Account>>,
    sockets: Chooser,
    requests: Chooser,
    rng: SmallRng,
    /// Whether there was a view before.
    has_seen: bool,
    /// Whether the last view was that of a gateway cut off from the backplane.
    is_cut_off: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Life {
    id: NodeId,
    epoch: u64,
}

/// Where a socket goes.
pub(super) struct Assigned {
    pub(super) upstream: Arc<Upstream>,
    pub(super) lease: SocketLease,
    /// Cancelled when the node goes down, or is no member any more.
    pub(super) fallen: CancellationToken,
}

/// Where a request goes.
pub(super) struct Requested {
    pub(super) upstream: Arc<Upstream>,
    pub(super) lease: RequestLease,
    /// As with a socket.
    pub(super) fallen: CancellationToken,
}

/// A node at one moment, for those who look on.
#[derive(Debug, Clone)]
pub(super) struct Figures {
    pub(super) id: NodeId,
    pub(super) epoch: u64,
    pub(super) address: String,
    pub(super) state: &'static str,
    /// Whether it is given new sockets.
    pub(super) takes_sockets: bool,
    /// Sockets ever assigned to it.
    pub(super) assigned: u64,
    /// What it said last that it has.
    pub(super) reported: Option<u64>,
    /// The load of its own making that it said last.
    pub(super) own: Option<f64>,
    /// What the policy goes by.
    pub(super) load: Option<f64>,
}

impl Fleet {
    /// Nobody yet. The seed is that of everything that is left to chance.
    pub(super) fn new(config: &GatewayConfig, seed: u64) -> Self {
        Self {
            measure: config.load,
            slow_start: config.slow_start,
            inner: Mutex::new(Inner {
                backends: BTreeMap::new(),
                lives: HashMap::new(),
                sockets: Chooser::new(config.policy, seed),
                requests: Chooser::new(config.policy, seed.wrapping_add(1)),
                rng: SmallRng::seed_from_u64(seed.wrapping_add(2)),
                has_seen: false,
                is_cut_off: false,
            }),
        }
    }

    /// Goes over to another view; answers the lives that are new. Cut off from the
    /// backplane, the last members are most likely still there, and so they are for a
    /// moment after: whether they answer is for their checks to say.
    pub(super) fn adopt(&self, view: &View, now: Instant) -> Vec<Arc<Upstream>> {
        let mut inner = self.lock();
        let was_cut_off = std::mem::replace(&mut inner.is_cut_off, !view.connected);
        if !view.connected {
            return Vec::new();
        }
        if was_cut_off {
            let all = inner.backends.values_mut();
            all.for_each(|backend| backend.wait_until(now + REJOIN_WITHIN));
        }
        let is_old = !std::mem::replace(&mut inner.has_seen, true);
        let is_there = |id: &NodeId| view.nodes().any(|node| node.id == *id);
        inner
            .backends
            .retain(|id, backend| backend.stays(is_there(id), now));
        inner.lives.retain(|_, account| account.strong_count() > 0);
        let mut newcomers = Vec::new();
        for node in view.nodes() {
            let Some(address) = &node.address else {
                continue;
            };
            let upstream = Upstream::new(node.id.clone(), node.boot, address.clone());
            if let Some(upstream) = inner.welcome(upstream, is_old) {
                newcomers.push(upstream);
            }
        }
        newcomers
    }

    /// When the present view is to be adopted again: when a node that is waited for
    /// should have come back.
    pub(super) fn awaits_until(&self) -> Option<Instant> {
        let inner = self.lock();
        let awaited = inner.backends.values().filter_map(Backend::awaited);
        // Cut off again, it begins anew with the end of that.
        awaited.min().filter(|_| !inner.is_cut_off)
    }

    /// A node says what it carries. What another life of it said is not of this one.
    pub(super) fn report(&self, from: &NodeId, report: &LoadReport) {
        let mut inner = self.lock();
        if let Some(backend) = inner.backends.get_mut(from)
            && backend.upstream.epoch == report.epoch
        {
            backend.account.report(report);
            backend.accepts = report.accepts;
        }
    }

    /// A node was looked at, or met in passing; whether it is still of interest.
    pub(super) fn checked(&self, upstream: &Arc<Upstream>, checked: Checked, now: Instant) -> bool {
        let mut inner = self.lock();
        let Some(backend) = inner
            .backends
            .get_mut(&upstream.id)
            .filter(|backend| Arc::ptr_eq(&backend.upstream, upstream))
        else {
            return false;
        };
        if let Some(health) = backend.checked(checked, now) {
            tracing::info!(node = %upstream.id, health = health.word(), "a node's health");
        }
        true
    }

    /// Chooses a node for a new socket, but none of `tried`.
    pub(super) fn assign(&self, tried: &[NodeId], now: Instant) -> Option<Assigned> {
        let mut inner = self.lock();
        let Inner {
            backends,
            sockets,
            rng,
            ..
        } = &mut *inner;
        let taking = of_tier(backends, tried, Tier::TakesSockets);
        let admitted = admitted(taking, self.slow_start, now, rng);
        let candidates = by_load(&admitted, self.measure);
        let chosen = &sockets.choose(&candidates)?.id;
        let backend = backends.get_mut(chosen)?;
        backend.assigned += 1;
        Some(Assigned {
            upstream: Arc::clone(&backend.upstream),
            lease: backend.account.assign(),
            fallen: backend.fallen(),
        })
    }

    /// Chooses a node for a request, but none of `tried`: one that takes sockets if
    /// there is one, else one that answers, else one that is not known yet.
    pub(super) fn request(&self, tried: &[NodeId], now: Instant) -> Option<Requested> {
        let mut inner = self.lock();
        let Inner {
            backends,
            requests,
            rng,
            ..
        } = &mut *inner;
        let tiers = untried(backends, tried).filter_map(Backend::tier);
        let best = of_tier(backends, tried, tiers.min()?);
        let candidates = by_requests(&admitted(best, self.slow_start, now, rng));
        let chosen = &requests.choose(&candidates)?.id;
        let backend = backends.get(chosen)?;
        Some(Requested {
            upstream: Arc::clone(&backend.upstream),
            lease: backend.account.request(),
            fallen: backend.fallen(),
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
    pub(super) fn takes_sockets(&self) -> bool {
        let inner = self.lock();
        let mut tiers = inner.backends.values().filter_map(Backend::tier);
        tiers.any(|tier| tier == Tier::TakesSockets)
    }

    /// Every node of the view, in the order of their names.
    pub(super) fn figures(&self) -> Vec<Figures> {
        let inner = self.lock();
        let figures = inner.backends.values().map(|backend| {
            let now = backend.account.counts();
            Figures {
                id: backend.upstream.id.clone(),
                epoch: backend.upstream.epoch,
                address: backend.upstream.address.clone(),
                state: backend.state(),
                takes_sockets: backend.tier() == Some(Tier::TakesSockets),
                assigned: backend.assigned,
                reported: now.reported_sockets(),
                own: now.reported_own(),
                load: now.load(self.measure),
            }
        });
        figures.collect()
    }

    /// This gateway's sockets and requests at each node, in all its lives; one that has
    /// left is there as long as it has any.
    pub(super) fn counts(&self) -> BTreeMap<NodeId, Counts> {
        let inner = self.lock();
        let mut counts: BTreeMap<NodeId, Counts> = BTreeMap::new();
        for (life, account) in &inner.lives {
            if let Some(account) = account.upgrade() {
                let sum = counts.entry(life.id.clone()).or_default();
                sum.add(&account.counts());
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

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Takes in a life, unless it is known; answers it if it is new. One that was
    /// away without having ended finds its account again.
    fn welcome(&mut self, upstream: Upstream, is_old: bool) -> Option<Arc<Upstream>> {
        let known = self.backends.get(&upstream.id);
        if known.is_some_and(|known| known.is_at(&upstream)) {
            return None;
        }
        let assigned = known.map_or(0, |known| known.assigned);
        let life = Life {
            id: upstream.id.clone(),
            epoch: upstream.epoch,
        };
        let account = self.lives.get(&life).and_then(Weak::upgrade);
        let account = account.unwrap_or_default();
        self.lives.insert(life, Arc::downgrade(&account));
        let upstream = Arc::new(upstream);
        let backend = Backend::new(Arc::clone(&upstream), account, assigned, is_old);
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

fn of_tier<'b>(
    backends: &'b BTreeMap<NodeId, Backend>,
    tried: &[NodeId],
    tier: Tier,
) -> Vec<&'b Backend> {
    untried(backends, tried)
        .filter(|backend| backend.tier() == Some(tier))
        .collect()
}

/// Those that slow start lets have what comes next; all of them if it lets none, since
/// somebody must begin.
fn admitted<'b>(
    all: Vec<&'b Backend>,
    slow_start: Duration,
    now: Instant,
    rng: &mut SmallRng,
) -> Vec<&'b Backend> {
    let mut warm = all.clone();
    warm.retain(|backend| slow_start::admits(backend.part(slow_start, now), rng));
    if warm.is_empty() { all } else { warm }
}

/// Those with as many requests under way are equals, whatever sockets they hold: the
/// emptiest would else get all that comes while little does.
fn by_requests(backends: &[&Backend]) -> Vec<Candidate> {
    let nodes = backends.iter().map(|backend| Candidate {
        id: backend.upstream.id.clone(),
        load: backend.account.counts().requests as f64,
        sockets: 0,
    });
    nodes.collect()
}

/// With the load that all of them give; where one has none of its own making, that
/// is the sockets.
fn by_load(backends: &[&Backend], measure: LoadMeasure) -> Vec<Candidate> {
    let counts: Vec<Counts> = backends
        .iter()
        .map(|backend| backend.account.counts())
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
