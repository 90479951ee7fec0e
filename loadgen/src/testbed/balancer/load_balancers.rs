//! All balancers, as the cluster holds them.

use std::{collections::BTreeMap, mem, net::SocketAddr, path::Path};

use futures_util::future::join_all;
use highwater_process::ReservedPort;
use highwater_scenarios::plan::{self, Action, ClusterSpec, Join, Plan};
use tempfile::TempDir;
use tokio::sync::{Mutex, watch};

use super::{
    super::{TestbedError, cluster::ClusterInner},
    any_balancer::{AnyBalancer, BalancerOptions},
    backends::{BackendChange, BalancerBackends},
    capacity::BalancerCapacity,
};
use crate::{endpoints::Endpoints, sampling::SampleTarget};

/// What stands in front of the nodes; without balancers, nothing.
#[derive(Debug)]
pub(in crate::testbed) struct LoadBalancers {
    join: Join,
    secure: bool,
    balancers: Vec<AnyBalancer>,
    /// Held while the balancers are told of a change.
    backends: Mutex<KnownBackends>,
    /// Where nodes will listen that are named before they come.
    reserved: BTreeMap<String, ReservedPort>,
    endpoints: watch::Sender<Endpoints>,
    changes: parking_lot::Mutex<Vec<BalancerChange>>,
    /// Of the balancers, for its owner alone.
    _folder: Option<TempDir>,
}

/// The nodes that the balancers are to know.
#[derive(Debug, Default)]
struct KnownBackends {
    servers: BalancerBackends,
    /// Whether the balancers run, and so have to be told of changes.
    is_running: bool,
}

/// What a balancer was told while it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalancerChange {
    /// Which one: `b1`, …
    pub id: String,
    /// In which way.
    pub join: Join,
    /// The new configuration in full, or the commands.
    pub text: String,
}

impl LoadBalancers {
    /// What `cluster` asks for, not running yet.
    pub(in crate::testbed) fn create(
        plan: &Plan,
        cluster: &ClusterSpec,
        log_dir: &Path,
    ) -> Result<Self, TestbedError> {
        let folder = match cluster.balancer {
            plan::BalancerKind::None => None,
            _ => Some(folder()?),
        };
        let common = BalancerOptions {
            log_dir,
            folder: folder.as_ref().map_or(log_dir, TempDir::path),
            policy: cluster.policy,
            capacity: BalancerCapacity::for_plan(plan),
        };
        Ok(Self {
            join: cluster.join,
            secure: cluster.balancer_tls,
            balancers: AnyBalancer::create_all(cluster, common)?,
            backends: Mutex::default(),
            reserved: match cluster.join {
                Join::Predeclared => reserve_ports(plan)?,
                Join::Discovery | Join::Reload | Join::Runtime => BTreeMap::new(),
            },
            endpoints: watch::Sender::new(Endpoints::default()),
            changes: parking_lot::Mutex::default(),
            _folder: folder,
        })
    }

    /// Starts all of them, with the nodes that have joined by now; over when they serve.
    pub(in crate::testbed) async fn start(
        &self,
        cluster: &ClusterInner,
    ) -> Result<(), TestbedError> {
        if self.is_empty() {
            return Ok(());
        }
        let mut known = self.backends.lock().await;
        for (id, held) in &self.reserved {
            // Whether that is news does not matter before the start.
            let _ = known.servers.add(id, held.address());
        }
        let servers = known.servers.list();
        let starts = self
            .balancers
            .iter()
            .map(|balancer| balancer.start(cluster, servers));
        join_all(starts)
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
        known.is_running = true;
        self.endpoints.send_replace(self.listen_endpoints());
        Ok(())
    }

    /// Whether clients go to the nodes themselves.
    pub(in crate::testbed) fn is_empty(&self) -> bool {
        self.balancers.is_empty()
    }

    /// Where a node has to listen that was named before it comes: nobody else did until
    /// now.
    pub(in crate::testbed) fn release_reserved(&self, id: &str) -> Option<SocketAddr> {
        self.reserved.get(id).map(ReservedPort::release)
    }

    /// A node takes sockets: over when the balancers were told, if that is how they
    /// learn of it.
    pub(in crate::testbed) async fn add_node(
        &self,
        cluster: &ClusterInner,
        id: &str,
        address: SocketAddr,
    ) -> Result<(), TestbedError> {
        self.apply_change(cluster, |servers| servers.add(id, address))
            .await
    }

    /// A node is about to leave in order: the same.
    pub(in crate::testbed) async fn drain_node(
        &self,
        cluster: &ClusterInner,
        id: &str,
    ) -> Result<(), TestbedError> {
        self.apply_change(cluster, |servers| servers.drain(id))
            .await
    }

    /// Where clients are sent, once they serve.
    pub(in crate::testbed) fn endpoints(&self) -> watch::Receiver<Endpoints> {
        self.endpoints.subscribe()
    }

    /// The configurations of all, in full; `None` where there is nothing.
    pub(in crate::testbed) fn configuration(&self) -> Option<String> {
        let each = self.balancers.iter().filter_map(|balancer| {
            let text = balancer.configuration()?;
            Some(format!(
                "# {}\n{}\n",
                balancer.process().id,
                text.trim_end()
            ))
        });
        let all: Vec<String> = each.collect();
        (!all.is_empty()).then(|| all.join("\n"))
    }

    /// Programs of somebody else's and their versions.
    pub(in crate::testbed) async fn versions(&self) -> BTreeMap<String, String> {
        match self.balancers.first() {
            Some(balancer) => balancer.version().await,
            None => BTreeMap::new(),
        }
    }

    /// What they were told since the last time.
    pub(in crate::testbed) fn take_changes(&self) -> Vec<BalancerChange> {
        mem::take(&mut *self.changes.lock())
    }

    /// For the sampler.
    pub(in crate::testbed) fn sample_targets(&self) -> impl Iterator<Item = SampleTarget> {
        self.balancers.iter().filter_map(AnyBalancer::sample_target)
    }

    /// Those that ended by themselves, with how; each once.
    pub(in crate::testbed) fn take_unexpected_exits(&self) -> Vec<(String, String)> {
        let balancers = self.balancers.iter();
        balancers
            .filter_map(|balancer| balancer.process().take_unexpected_exit())
            .collect()
    }

    /// Ends all of them in order.
    pub(in crate::testbed) async fn stop(&self) {
        let balancers = self.balancers.iter();
        join_all(balancers.map(|balancer| balancer.process().stop())).await;
    }

    /// Tells all of them what changes, if anything does. What could not be told is not
    /// known, and so is told the next time.
    async fn apply_change(
        &self,
        cluster: &ClusterInner,
        make: impl FnOnce(&mut BalancerBackends) -> Option<BackendChange>,
    ) -> Result<(), TestbedError> {
        let mut known = self.backends.lock().await;
        let mut servers = known.servers.clone();
        let Some(change) = make(&mut servers) else {
            return Ok(());
        };
        if known.is_running {
            let balancers = self.balancers.iter();
            let each =
                balancers.map(|balancer| self.reconfigure(cluster, balancer, &servers, &change));
            join_all(each)
                .await
                .into_iter()
                .collect::<Result<(), _>>()?;
        }
        known.servers = servers;
        Ok(())
    }

    async fn reconfigure(
        &self,
        cluster: &ClusterInner,
        balancer: &AnyBalancer,
        servers: &BalancerBackends,
        change: &BackendChange,
    ) -> Result<(), TestbedError> {
        let text = match self.join {
            Join::Discovery | Join::Predeclared => return Ok(()),
            Join::Reload => balancer.reload(cluster, servers.list()).await?,
            Join::Runtime => balancer.reconfigure(change).await?,
        };
        self.record_change(&balancer.process().id, text);
        Ok(())
    }

    fn record_change(&self, id: &str, text: String) {
        let mut told = self.changes.lock();
        told.push(BalancerChange {
            id: id.to_owned(),
            join: self.join,
            text,
        });
    }

    fn listen_endpoints(&self) -> Endpoints {
        let (ws, http) = match self.secure {
            true => ("wss", "https"),
            false => ("ws", "http"),
        };
        let listen = self.balancers.iter();
        let listen: Vec<SocketAddr> = listen
            .filter_map(|balancer| balancer.process().listen_address())
            .collect();
        Endpoints {
            ws: listen
                .iter()
                .map(|address| format!("{ws}://{address}/ws?device={{device}}"))
                .collect(),
            http: listen
                .iter()
                .map(|address| format!("{http}://{address}"))
                .collect(),
        }
    }
}

/// A folder for files of the balancers.
fn folder() -> Result<TempDir, TestbedError> {
    TempDir::with_prefix("highwater-balancer-").map_err(|source| TestbedError::BalancerFile {
        path: std::env::temp_dir(),
        source,
    })
}

/// An address for each node that is yet to come.
fn reserve_ports(plan: &Plan) -> Result<BTreeMap<String, ReservedPort>, TestbedError> {
    let added = plan
        .events
        .iter()
        .filter(|event| event.action == Action::AddNode);
    added
        .map(|event| Ok((event.node.clone(), ReservedPort::reserve()?)))
        .collect()
}
