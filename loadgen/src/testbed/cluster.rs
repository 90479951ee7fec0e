//! The cluster that a scenario asks for.

use std::{
    collections::BTreeMap,
    fs, mem,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::future::{join_all, try_join_all};
use highwater_process::{Child, ChildExit, Spawner};
use highwater_scenarios::plan::{
    BROKER_NAME, BalancerLoadMetric, ClusterSpec, EventSpec, Plan, Routing,
};
use parking_lot::MutexGuard;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    TestbedError, actions,
    backplane::{EmbeddedBroker, TestbedBackplane},
    balancer::{BalancerChange, LoadBalancers},
    consumer::{self, ConsumerProcess},
    credentials::Credentials,
    node::{NodeProcess, RoutingState, running_child},
    node_client::NodeClient,
    node_registry::{NodeRegistry, ProcessState},
    readiness,
};
use crate::{access::ClientAccess, endpoints::Endpoints, sampling::SampleTarget};

/// How long a process may take to end in order when the cluster is stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A cluster of processes on this machine. Clones are handles of one cluster;
/// its processes are killed with the last of them.
#[derive(Debug, Clone)]
pub struct Testbed {
    inner: Arc<ClusterInner>,
}

/// A node that has ended because it was asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeExit {
    /// `n1`, …
    pub id: String,
    /// How it ended.
    pub exit: ChildExit,
}

/// What the actions work on. Every process is owned by its node's lock, which
/// an action holds while it works; everything else is read without waiting.
#[derive(Debug)]
pub(super) struct ClusterInner {
    pub(super) exe: PathBuf,
    pub(super) log_dir: PathBuf,
    pub(super) routing: Routing,
    /// What nodes are to tell of their load.
    pub(super) load_metric: BalancerLoadMetric,
    /// How long nodes keep a socket, if not for ever.
    pub(super) max_age: Option<Duration>,
    pub(super) spawner: Spawner,
    pub(super) http: NodeClient,
    pub(super) registry: NodeRegistry,
    pub(super) credentials: Credentials,
    pub(super) backplane: TestbedBackplane,
    pub(super) load_balancers: LoadBalancers,
    pub(super) consumers: Vec<ConsumerProcess>,
    /// Names of processes that ended without being asked to, and how; until
    /// they are told of.
    unexpected_exits: parking_lot::Mutex<Vec<(String, String)>>,
    /// Nodes that ended because they were asked to; until they are told of.
    requested_exits: parking_lot::Mutex<Vec<NodeExit>>,
    stopping: CancellationToken,
}

impl Testbed {
    /// Starts the embedded broker, if nodes are ever to be joined by it, or asks
    /// the one that should be running; then starts the nodes and waits until all
    /// are ready and see each other; then the balancers and the consumers. `exe` is the
    /// `highwater` binary; each process logs to `log_dir/ID.log`.
    ///
    /// # Errors
    ///
    /// If the balancer is not on the machine, the broker does not answer, or a process
    /// does not start or does not get ready within 30 seconds; what was started is
    /// stopped.
    pub async fn start(
        plan: &Plan,
        cluster: &ClusterSpec,
        exe: &Path,
        spawner: Spawner,
        log_dir: &Path,
    ) -> Result<Self, TestbedError> {
        fs::create_dir_all(log_dir).map_err(|source| TestbedError::LogFolder {
            path: log_dir.into(),
            source,
        })?;
        let front = LoadBalancers::create(plan, cluster, log_dir)?;
        let backplane = TestbedBackplane::start(plan, cluster, &spawner, exe, log_dir).await?;
        let credentials = Credentials::generate(plan, cluster)?;
        let bed = Arc::new(ClusterInner {
            exe: exe.into(),
            log_dir: log_dir.into(),
            routing: cluster.routing,
            load_metric: cluster.load_metric,
            max_age: cluster.max_age,
            spawner,
            http: NodeClient::new(&credentials)?,
            registry: NodeRegistry::new(credentials.nodes_use_tls()),
            credentials,
            backplane,
            load_balancers: front,
            consumers: consumer::create_consumers(&cluster.consumers, log_dir),
            unexpected_exits: parking_lot::Mutex::default(),
            requested_exits: parking_lot::Mutex::default(),
            stopping: CancellationToken::new(),
        });
        let testbed = Self { inner: bed };
        if let Err(error) = testbed.inner.start_all(cluster.nodes).await {
            // Others that did start may have left something at an outside broker.
            testbed.stop().await;
            return Err(error);
        }
        Ok(testbed)
    }

    /// Where clients are sent now: to the balancers, where there are any; else to the
    /// nodes in the order of their numbers. Killed and paused nodes stay, drained ones
    /// are left out, restarted ones return.
    pub fn endpoints(&self) -> Endpoints {
        self.watch_endpoints().borrow().clone()
    }

    /// The balancers' configurations in full; `None` without balancers.
    pub fn balancer_configuration(&self) -> Option<String> {
        self.inner.load_balancers.configuration()
    }

    /// Versions of the programs that are not this project's.
    pub async fn versions(&self) -> BTreeMap<String, String> {
        self.inner.load_balancers.versions().await
    }

    /// What balancers were told since the last time.
    pub fn take_balancer_changes(&self) -> Vec<BalancerChange> {
        self.inner.load_balancers.take_changes()
    }

    /// What clients need to be let in.
    pub fn access(&self) -> ClientAccess {
        self.inner.credentials.access()
    }

    /// The endpoints as they change, also in the middle of an event: a node is
    /// left out as soon as it was asked to end.
    pub fn watch_endpoints(&self) -> watch::Receiver<Endpoints> {
        match self.inner.load_balancers.is_empty() {
            true => self.inner.registry.endpoints(),
            false => self.inner.load_balancers.endpoints(),
        }
    }

    /// The nodes, in order, the broker, the balancers and the consumers; those that have ended are still
    /// there, without a process id.
    pub fn sample_targets(&self) -> Vec<SampleTarget> {
        let mut sampled = self.inner.registry.sample_targets();
        sampled.extend(self.inner.backplane.sample_target());
        sampled.extend(self.inner.load_balancers.sample_targets());
        sampled.extend(
            self.inner
                .consumers
                .iter()
                .filter_map(ConsumerProcess::sample_target),
        );
        sampled
    }

    /// Where the consumers of readings write down what they have handled.
    pub fn journals(&self) -> Vec<PathBuf> {
        let consumers = self.inner.consumers.iter();
        consumers.map(|consumer| consumer.journal.clone()).collect()
    }

    /// Does an event to its node. Nodes that are added or restarted are ready
    /// and seen by the others when it returns. Events of different nodes may
    /// run at once; a second one of the same node waits for the first.
    ///
    /// # Errors
    ///
    /// If the node is not there, not running, refuses, or does not get ready;
    /// [`TestbedError::Stopping`] if the cluster is stopped meanwhile.
    pub async fn apply(&self, event: &EventSpec) -> Result<(), TestbedError> {
        tokio::select! {
            biased;
            () = self.inner.stopping.cancelled() => Err(TestbedError::Stopping),
            done = actions::apply(&self.inner, event) => done,
        }
    }

    /// The processes that have ended without being asked to, with how they
    /// ended in words; each once. Never waits: a node that an event works on
    /// is looked at the next time.
    pub fn take_unexpected_exits(&self) -> Vec<(String, String)> {
        self.inner.poll_exits();
        mem::take(&mut *self.inner.unasked())
    }

    /// The nodes that have ended because an event asked them to, each end once.
    /// Never waits, as [`Testbed::ended`].
    pub fn take_node_exits(&self) -> Vec<NodeExit> {
        self.inner.poll_exits();
        mem::take(&mut *self.inner.requested_exits.lock())
    }

    /// Ends every process and waits for it: in order where it does so within
    /// five seconds, by SIGKILL otherwise. Balancers first, then nodes, consumers, the broker;
    /// of one that goes on, what the cluster kept there is removed. An event under way is
    /// given up. In words, what was found wrong at the broker.
    pub async fn stop(&self) -> Vec<String> {
        self.inner.stopping.cancel();
        self.inner.load_balancers.stop().await;
        let nodes = self.inner.registry.nodes();
        join_all(nodes.iter().map(|node| self.inner.stop_node(node))).await;
        join_all(self.inner.consumers.iter().map(ConsumerProcess::stop)).await;
        self.inner.backplane.stop().await
    }
}

impl ClusterInner {
    /// Starts so many nodes, then the balancers and the consumers.
    async fn start_all(&self, nodes: u32) -> Result<(), TestbedError> {
        let nodes = (1..=nodes).map(|number| self.get_or_create_node(&format!("n{number}")));
        try_join_all(nodes.map(|node| self.start_node(node))).await?;
        self.load_balancers.start(self).await?;
        let consumers = self.consumers.iter();
        try_join_all(consumers.map(|consumer| consumer.restart(self))).await?;
        Ok(())
    }

    /// The node of this name, new if there was none.
    pub(super) fn get_or_create_node(&self, id: &str) -> Arc<NodeProcess> {
        let log = self.log_dir.join(format!("{id}.log"));
        self.registry.get_or_insert(id, log)
    }

    /// Starts a node that is down; returns when it is ready, sees the others
    /// and is seen by them. Only then are clients sent to it.
    pub(super) async fn start_node(&self, node: Arc<NodeProcess>) -> Result<(), TestbedError> {
        let mut process = node.process.lock().await;
        self.start_process(&node, &mut process).await
    }

    /// The same, for one who holds the node's process. A node that does not
    /// get ready is killed.
    pub(super) async fn start_process(
        &self,
        node: &NodeProcess,
        process: &mut Option<Child>,
    ) -> Result<(), TestbedError> {
        let started = self.start_and_wait(node, process).await;
        if started.is_err() {
            *process = None;
            node.mark_down(self, RoutingState::Unchanged);
        }
        started
    }

    async fn start_and_wait(
        &self,
        node: &NodeProcess,
        process: &mut Option<Child>,
    ) -> Result<(), TestbedError> {
        let address = node.start(self, process).await?;
        let child = running_child(process, &node.id)?;
        readiness::wait_until_ready(self, node, child, address).await?;
        readiness::wait_until_joined(self, node).await?;
        self.load_balancers
            .add_node(self, &node.id, address)
            .await?;
        self.registry
            .update_status(&node.id, |shown| shown.is_routed = true);
        Ok(())
    }

    /// Takes the status of a node that has ended, for one who holds its
    /// process; whether somebody asked for it is remembered.
    pub(super) fn record_exit(&self, node: &NodeProcess, process: &mut Option<Child>) {
        let Some(exit) = process.as_mut().and_then(Child::try_exit) else {
            return;
        };
        *process = None;
        let asked = self
            .registry
            .status(&node.id)
            .is_some_and(|shown| shown.state == ProcessState::Stopping);
        let listed = if asked {
            RoutingState::Removed
        } else {
            RoutingState::Unchanged
        };
        node.mark_down(self, listed);
        if asked {
            self.record_requested_exit(node, exit);
        } else {
            self.unasked().push((node.id.clone(), exit.to_string()));
        }
    }

    /// Remembers how a node ended that was asked to.
    pub(super) fn record_requested_exit(&self, node: &NodeProcess, exit: ChildExit) {
        let id = node.id.clone();
        let mut left = self.requested_exits.lock();
        left.push(NodeExit { id, exit });
    }

    /// Takes the status of every process that has ended, but for those that an
    /// event works on.
    fn poll_exits(&self) {
        for node in self.registry.nodes() {
            if let Ok(mut process) = node.process.try_lock() {
                self.record_exit(&node, &mut process);
            }
        }
        let ends = self
            .consumers
            .iter()
            .filter_map(ConsumerProcess::take_unexpected_exit);
        self.unasked().extend(ends);
        self.unasked()
            .extend(self.load_balancers.take_unexpected_exits());
        self.record_broker_exit();
    }

    /// Takes the status of an embedded broker that has ended by itself.
    pub(super) fn record_broker_exit(&self) {
        let broker = self.backplane.embedded().ok();
        if let Some(status) = broker.and_then(EmbeddedBroker::take_unexpected_exit) {
            self.unasked().push((BROKER_NAME.to_owned(), status));
        }
    }

    fn unasked(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.unexpected_exits.lock()
    }

    async fn stop_node(&self, node: &NodeProcess) {
        let mut process = node.process.lock().await;
        if let Some(mut child) = process.take() {
            node.mark_stopping(self);
            child.stop(STOP_TIMEOUT).await;
            node.mark_down(self, RoutingState::Removed);
        }
    }
}
