//! All balancers of a cluster.

use std::{collections::BTreeMap, mem, net::SocketAddr, path::Path};

use futures_util::future::join_all;
use highwater_process::ReservedPort;
use highwater_reports::record::{Source, SourceRole};
use highwater_scenarios::plan::{Action, ClusterSpec, Join, Plan};
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, watch};

use super::{
    super::{
        TestbedError,
        cluster_process::{ClusterProcess, ProcessStatus, STOP_TIMEOUT, UnexpectedExit},
        context::ClusterContext,
        scheme::Scheme,
        temp_folder::TempFolder,
    },
    backends::{BackendChange, BalancerBackends},
    capacity::BalancerCapacity,
    driver::{Balancer, BalancerDriver, BalancerOptions},
    registry::driver,
};
use crate::{
    endpoints::Endpoints,
    sampling::{SampleEndpoint, SampleTarget},
};

/// The balancers in front of the nodes; possibly none.
#[derive(Debug)]
pub(in crate::testbed) struct LoadBalancers {
    driver: Option<&'static BalancerDriver>,
    join: Join,
    scheme: Scheme,
    balancers: Vec<Box<dyn Balancer>>,
    /// The lock is held while the balancers learn of a change.
    known: AsyncMutex<KnownBackends>,
    /// Ports of nodes that are yet to start, if the configuration names them already. They
    /// are bound and not listened on: clients get connection refused, and no other process
    /// can take them.
    reserved: BTreeMap<String, ReservedPort>,
    endpoints: watch::Sender<Endpoints>,
    changes: Mutex<Vec<BalancerChange>>,
    /// The folder of the balancers' files. Only its owner may read it.
    _folder: Option<TempFolder>,
}

/// The nodes that the balancers know.
#[derive(Debug, Default)]
struct KnownBackends {
    backends: BalancerBackends,
    /// Whether the balancers run, so that they have to learn of changes.
    is_running: bool,
}

/// A change that a balancer received while it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalancerChange {
    /// The balancer: `b1`, …
    pub id: String,
    /// The way in which it learns of nodes.
    pub join: Join,
    /// The new configuration in full, or the commands.
    pub text: String,
}

impl LoadBalancers {
    /// Creates the balancers that `cluster` asks for. None of them runs yet.
    pub(in crate::testbed) fn create(
        plan: &Plan,
        cluster: &ClusterSpec,
        log_dir: &Path,
    ) -> Result<Self, TestbedError> {
        let driver = driver(cluster.balancer);
        let folder = driver.map(|_| create_folder()).transpose()?;
        let options = BalancerOptions {
            log_dir,
            folder: folder.as_ref().map_or(log_dir, TempFolder::path),
            policy: cluster.policy,
            capacity: BalancerCapacity::for_plan(plan),
        };
        let balancers = driver.map(|driver| {
            let ids = (1..=cluster.balancers).map(|number| format!("b{number}"));
            ids.map(|id| (driver.create)(&id, options)).collect()
        });
        Ok(Self {
            driver,
            join: cluster.join,
            scheme: Scheme::for_tls(cluster.balancer_tls),
            balancers: balancers.transpose()?.unwrap_or_default(),
            known: AsyncMutex::default(),
            reserved: match cluster.join {
                Join::Predeclared => reserve_ports(plan)?,
                Join::Discovery | Join::Reload | Join::Runtime => BTreeMap::new(),
            },
            endpoints: watch::Sender::new(Endpoints::default()),
            changes: Mutex::default(),
            _folder: folder,
        })
    }

    /// Starts all balancers in front of the nodes that have started, and waits until they
    /// serve.
    pub(in crate::testbed) async fn start(
        &self,
        context: &ClusterContext,
    ) -> Result<(), TestbedError> {
        if self.is_empty() {
            return Ok(());
        }
        let mut known = self.known.lock().await;
        for (id, port) in &self.reserved {
            // The balancers start with the whole list, so the change itself is not needed.
            let _ = known.backends.add(id, port.address());
        }
        let backends = &known.backends.list;
        let balancers = self.balancers.iter();
        // Not `try_join_all`: a start that is dropped halfway would leave a balancer without a
        // record of its process.
        let starts = balancers.map(async |balancer| {
            let (child, listen) = balancer.start(context, backends).await?;
            let process = balancer.process();
            process.set_running(&mut *process.child.lock().await, child, listen);
            Ok(listen)
        });
        let started: Result<Vec<_>, TestbedError> = join_all(starts).await.into_iter().collect();
        let endpoints = self.scheme.endpoints(started?.into_iter());
        known.is_running = true;
        // Published last, so that no client connects before every balancer serves.
        self.endpoints.send_replace(endpoints);
        Ok(())
    }

    /// Whether there are no balancers, so that clients connect to the nodes.
    pub(in crate::testbed) fn is_empty(&self) -> bool {
        self.balancers.is_empty()
    }

    /// Releases the reserved port of a node, which listens on it next; `None` if the node
    /// has none.
    pub(in crate::testbed) fn release_reserved(&self, id: &str) -> Option<SocketAddr> {
        self.reserved.get(id).map(ReservedPort::release)
    }

    /// Sends sockets to a node. The call returns when the balancers know it, unless they
    /// discover nodes by themselves.
    pub(in crate::testbed) async fn add_node(
        &self,
        context: &ClusterContext,
        id: &str,
        address: SocketAddr,
    ) -> Result<(), TestbedError> {
        self.change(context, |backends| backends.add(id, address))
            .await
    }

    /// Sends no new sockets to a node that is about to end in order.
    pub(in crate::testbed) async fn drain_node(
        &self,
        context: &ClusterContext,
        id: &str,
    ) -> Result<(), TestbedError> {
        self.change(context, |backends| backends.drain(id)).await
    }

    /// Returns the addresses of the balancers; none before they serve.
    pub(in crate::testbed) fn endpoints(&self) -> watch::Receiver<Endpoints> {
        self.endpoints.subscribe()
    }

    /// Returns the configurations of all balancers in full; `None` without balancers.
    pub(in crate::testbed) fn configuration(&self) -> Option<String> {
        let configurations = self.balancers.iter().filter_map(|balancer| {
            let text = balancer.configuration()?;
            let id = &balancer.process().id;
            Some(format!("# {id}\n{}\n", text.trim_end()))
        });
        let configurations: Vec<String> = configurations.collect();
        (!configurations.is_empty()).then(|| configurations.join("\n"))
    }

    /// Returns the version of the balancers' program, if it is not part of this project.
    pub(in crate::testbed) async fn versions(&self) -> BTreeMap<String, String> {
        let program = self.driver.and_then(|driver| driver.program);
        let Some((program, path)) = program.and_then(|program| Some((program, program.path()?)))
        else {
            return BTreeMap::new();
        };
        let version = program.version(&path).await;
        let version = version.map(|version| (program.name.to_owned(), version));
        version.into_iter().collect()
    }

    /// Takes the changes since the last call.
    pub(in crate::testbed) fn take_changes(&self) -> Vec<BalancerChange> {
        mem::take(&mut *self.changes.lock())
    }

    /// Returns the balancers that have started, for the sampler.
    pub(in crate::testbed) fn sample_targets(&self) -> impl Iterator<Item = SampleTarget> {
        let balancers = self.balancers.iter();
        balancers.filter_map(|balancer| {
            let process = balancer.process();
            let ProcessStatus { address, pid } = *process.status.lock();
            address?;
            Some(SampleTarget::new(
                Source::new(SourceRole::Balancer, &process.id),
                pid,
                balancer.gauge_source().map(SampleEndpoint::Native),
            ))
        })
    }

    /// Takes the balancers that have ended without a request, each once.
    pub(in crate::testbed) fn take_unexpected_exits(&self) -> impl Iterator<Item = UnexpectedExit> {
        let processes = self.balancers.iter().map(|balancer| balancer.process());
        processes.filter_map(ClusterProcess::take_unexpected_exit)
    }

    /// Ends all balancers in order.
    pub(in crate::testbed) async fn stop(&self) {
        let balancers = self.balancers.iter();
        join_all(balancers.map(|balancer| balancer.process().stop(STOP_TIMEOUT))).await;
    }

    /// Makes a change to the nodes and sends it to all balancers that run.
    async fn change(
        &self,
        context: &ClusterContext,
        change: impl FnOnce(&mut BalancerBackends) -> Option<BackendChange>,
    ) -> Result<(), TestbedError> {
        let mut known = self.known.lock().await;
        // A copy, so that a change that fails leaves the known nodes as they were.
        let mut backends = known.backends.clone();
        let Some(change) = change(&mut backends) else {
            return Ok(());
        };
        if known.is_running {
            let balancers = self.balancers.iter();
            let sent =
                balancers.map(|balancer| self.send(context, balancer.as_ref(), &backends, &change));
            // All of them, before the first error: the others must learn of the change.
            let sent: Result<(), _> = join_all(sent).await.into_iter().collect();
            sent?;
        }
        // Stored last: a change that failed is still unknown, so the next try sends it again.
        known.backends = backends;
        Ok(())
    }

    async fn send(
        &self,
        context: &ClusterContext,
        balancer: &dyn Balancer,
        backends: &BalancerBackends,
        change: &BackendChange,
    ) -> Result<(), TestbedError> {
        let text = match self.join {
            // A gateway watches the membership, and a predeclared node is found by its health
            // check.
            Join::Discovery | Join::Predeclared => return Ok(()),
            Join::Reload => balancer.reload(context, &backends.list).await?,
            Join::Runtime => balancer.reconfigure(change).await?,
        };
        self.changes.lock().push(BalancerChange {
            id: balancer.process().id.clone(),
            join: self.join,
            text,
        });
        Ok(())
    }
}

/// Creates the folder for the balancers' files.
fn create_folder() -> Result<TempFolder, TestbedError> {
    TempFolder::create("balancer").map_err(|source| TestbedError::BalancerFile {
        path: std::env::temp_dir(),
        source,
    })
}

/// Reserves a port for each node that an event adds.
fn reserve_ports(plan: &Plan) -> Result<BTreeMap<String, ReservedPort>, TestbedError> {
    let events = plan.events.iter();
    let added = events.filter(|event| event.action == Action::AddNode);
    let reserved = added.map(|event| Ok((event.node.clone(), ReservedPort::reserve()?)));
    reserved.collect()
}
