//! All balancers, as the cluster holds them.

use std::{
    collections::BTreeMap,
    mem,
    net::SocketAddr,
    path::Path,
    sync::{self, PoisonError},
};

use futures_util::future::join_all;
use highwater_scenarios::plan::{self, Action, Cluster, Join, Plan};
use tempfile::TempDir;
use tokio::sync::{Mutex, watch};

use super::{
    super::{TestbedError, cluster::Bed, port::Held},
    any_balancer::{Balancer, Common},
    backends::{Change, Servers},
    capacity::Room,
};
use crate::{endpoints::Endpoints, sampling::Sampled};

/// What stands in front of the nodes; without balancers, nothing.
#[derive(Debug)]
pub(in crate::testbed) struct Front {
    join: Join,
    secure: bool,
    balancers: Vec<Balancer>,
    /// Held while the balancers are told of a change.
    known: Mutex<Known>,
    /// Where nodes will listen that are named before they come.
    reserved: BTreeMap<String, Held>,
    endpoints: watch::Sender<Endpoints>,
    told: sync::Mutex<Vec<Told>>,
    /// Of the balancers, for its owner alone.
    _folder: Option<TempDir>,
}

/// The nodes that the balancers are to know.
#[derive(Debug, Default)]
struct Known {
    servers: Servers,
    /// Whether the balancers run, and so have to be told of changes.
    is_served: bool,
}

/// What a balancer was told while it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Which one: `b1`, …
    pub id: String,
    /// In which way.
    pub how: Join,
    /// The new configuration in full, or the commands.
    pub text: String,
}

impl Front {
    /// What `cluster` asks for, not running yet.
    pub(in crate::testbed) fn make(
        plan: &Plan,
        cluster: &Cluster,
        log_dir: &Path,
    ) -> Result<Self, TestbedError> {
        let folder = match cluster.balancer {
            plan::Balancer::None => None,
            _ => Some(folder()?),
        };
        let common = Common {
            log_dir,
            folder: folder.as_ref().map_or(log_dir, TempDir::path),
            policy: cluster.policy,
            room: Room::of(plan),
        };
        Ok(Self {
            join: cluster.join,
            secure: cluster.balancer_tls,
            balancers: Balancer::all(cluster, common)?,
            known: Mutex::default(),
            reserved: match cluster.join {
                Join::Predeclared => reserve(plan)?,
                Join::Discovery | Join::Reload | Join::Runtime => BTreeMap::new(),
            },
            endpoints: watch::Sender::new(Endpoints::default()),
            told: sync::Mutex::default(),
            _folder: folder,
        })
    }

    /// Starts all of them, with the nodes that have joined by now; over when they serve.
    pub(in crate::testbed) async fn start(&self, bed: &Bed) -> Result<(), TestbedError> {
        if self.is_empty() {
            return Ok(());
        }
        let mut known = self.known.lock().await;
        for (id, held) in &self.reserved {
            // Whether that is news does not matter before the start.
            let _ = known.servers.join(id, held.address());
        }
        let servers = known.servers.list();
        let starts = self
            .balancers
            .iter()
            .map(|balancer| balancer.start(bed, servers));
        join_all(starts)
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
        known.is_served = true;
        self.endpoints.send_replace(self.where_they_listen());
        Ok(())
    }

    /// Whether clients go to the nodes themselves.
    pub(in crate::testbed) fn is_empty(&self) -> bool {
        self.balancers.is_empty()
    }

    /// Where a node has to listen that was named before it comes: nobody else did until
    /// now.
    pub(in crate::testbed) fn take_reserved(&self, id: &str) -> Option<SocketAddr> {
        self.reserved.get(id).map(Held::let_go)
    }

    /// A node takes sockets: over when the balancers were told, if that is how they
    /// learn of it.
    pub(in crate::testbed) async fn joined(
        &self,
        bed: &Bed,
        id: &str,
        address: SocketAddr,
    ) -> Result<(), TestbedError> {
        self.change(bed, |servers| servers.join(id, address)).await
    }

    /// A node is about to leave in order: the same.
    pub(in crate::testbed) async fn leaving(
        &self,
        bed: &Bed,
        id: &str,
    ) -> Result<(), TestbedError> {
        self.change(bed, |servers| servers.leave(id)).await
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
    pub(in crate::testbed) fn take_told(&self) -> Vec<Told> {
        mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// For the sampler.
    pub(in crate::testbed) fn sampled(&self) -> impl Iterator<Item = Sampled> {
        self.balancers.iter().filter_map(Balancer::sampled)
    }

    /// Those that ended by themselves, with how; each once.
    pub(in crate::testbed) fn take_ends(&self) -> Vec<(String, String)> {
        let balancers = self.balancers.iter();
        balancers
            .filter_map(|balancer| balancer.process().take_end())
            .collect()
    }

    /// Ends all of them in order.
    pub(in crate::testbed) async fn stop(&self) {
        let balancers = self.balancers.iter();
        join_all(balancers.map(|balancer| balancer.process().stop())).await;
    }

    /// Tells all of them what changes, if anything does. What could not be told is not
    /// known, and so is told the next time.
    async fn change(
        &self,
        bed: &Bed,
        make: impl FnOnce(&mut Servers) -> Option<Change>,
    ) -> Result<(), TestbedError> {
        let mut known = self.known.lock().await;
        let mut servers = known.servers.clone();
        let Some(change) = make(&mut servers) else {
            return Ok(());
        };
        if known.is_served {
            let balancers = self.balancers.iter();
            let each = balancers.map(|balancer| self.tell(bed, balancer, &servers, &change));
            join_all(each)
                .await
                .into_iter()
                .collect::<Result<(), _>>()?;
        }
        known.servers = servers;
        Ok(())
    }

    async fn tell(
        &self,
        bed: &Bed,
        balancer: &Balancer,
        servers: &Servers,
        change: &Change,
    ) -> Result<(), TestbedError> {
        let text = match self.join {
            Join::Discovery | Join::Predeclared => return Ok(()),
            Join::Reload => balancer.reload(bed, servers.list()).await?,
            Join::Runtime => balancer.tell(change).await?,
        };
        self.note(&balancer.process().id, text);
        Ok(())
    }

    fn note(&self, id: &str, text: String) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(Told {
            id: id.to_owned(),
            how: self.join,
            text,
        });
    }

    fn where_they_listen(&self) -> Endpoints {
        let (ws, http) = match self.secure {
            true => ("wss", "https"),
            false => ("ws", "http"),
        };
        let listen = self.balancers.iter();
        let listen: Vec<SocketAddr> = listen
            .filter_map(|balancer| balancer.process().listen())
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
fn reserve(plan: &Plan) -> Result<BTreeMap<String, Held>, TestbedError> {
    let added = plan
        .events
        .iter()
        .filter(|event| event.action == Action::AddNode);
    added
        .map(|event| Ok((event.node.clone(), Held::any()?)))
        .collect()
}
