//! The cluster that a scenario asks for.

use std::{
    collections::BTreeMap,
    fs, mem,
    path::{Path, PathBuf},
    sync::{self, Arc, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::{join_all, try_join_all};
use highwater_scenarios::plan::{BROKER, Cluster, Event, Measure, Plan, Routing};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    TestbedError, actions,
    backplane::{Backplane, Embedded},
    balancer::{Front, Told},
    consumer::{self, Consumer},
    credentials::Credentials,
    node::{Listed, Node, running},
    node_client::NodeClient,
    node_registry::{Life, Roster},
    readiness,
};
use crate::{
    access::Access,
    endpoints::Endpoints,
    process::{Child, Exit, Spawner},
    sampling::Sampled,
};

/// How long a process may take to end in order when the cluster is stopped.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// A cluster of processes on this machine. Clones are handles of one cluster;
/// its processes are killed with the last of them.
#[derive(Debug, Clone)]
pub struct Testbed {
    bed: Arc<Bed>,
}

/// A node that has ended because it was asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// `n1`, …
    pub id: String,
    /// How it ended.
    pub exit: Exit,
}

/// What the actions work on. Every process is owned by its node's lock, which
/// an action holds while it works; everything else is read without waiting.
#[derive(Debug)]
pub(super) struct Bed {
    pub(super) exe: PathBuf,
    pub(super) log_dir: PathBuf,
    pub(super) routing: Routing,
    /// What nodes are to tell of their load.
    pub(super) measure: Measure,
    /// How long nodes keep a socket, if not for ever.
    pub(super) max_age: Option<Duration>,
    pub(super) spawner: Spawner,
    pub(super) http: NodeClient,
    pub(super) roster: Roster,
    pub(super) credentials: Credentials,
    pub(super) backplane: Backplane,
    pub(super) front: Front,
    pub(super) consumers: Vec<Consumer>,
    /// Names of processes that ended without being asked to, and how; until
    /// they are told of.
    unasked: sync::Mutex<Vec<(String, String)>>,
    /// Nodes that ended because they were asked to; until they are told of.
    left: sync::Mutex<Vec<Left>>,
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
        cluster: &Cluster,
        exe: &Path,
        spawner: Spawner,
        log_dir: &Path,
    ) -> Result<Self, TestbedError> {
        fs::create_dir_all(log_dir).map_err(|source| TestbedError::LogFolder {
            path: log_dir.into(),
            source,
        })?;
        let front = Front::make(plan, cluster, log_dir)?;
        let backplane = Backplane::start(plan, cluster, &spawner, exe, log_dir).await?;
        let credentials = Credentials::make(plan, cluster)?;
        let bed = Arc::new(Bed {
            exe: exe.into(),
            log_dir: log_dir.into(),
            routing: cluster.routing,
            measure: cluster.load,
            max_age: cluster.max_age,
            spawner,
            http: NodeClient::new(&credentials)?,
            roster: Roster::new(credentials.are_secure()),
            credentials,
            backplane,
            front,
            consumers: consumer::consumers(&cluster.consumers, log_dir),
            unasked: sync::Mutex::default(),
            left: sync::Mutex::default(),
            stopping: CancellationToken::new(),
        });
        let testbed = Self { bed };
        if let Err(error) = testbed.bed.start_all(cluster.nodes).await {
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
        self.bed.front.configuration()
    }

    /// Versions of the programs that are not this project's.
    pub async fn versions(&self) -> BTreeMap<String, String> {
        self.bed.front.versions().await
    }

    /// What balancers were told since the last time.
    pub fn take_told(&self) -> Vec<Told> {
        self.bed.front.take_told()
    }

    /// What clients need to be let in.
    pub fn access(&self) -> Access {
        self.bed.credentials.access()
    }

    /// The endpoints as they change, also in the middle of an event: a node is
    /// left out as soon as it was asked to end.
    pub fn watch_endpoints(&self) -> watch::Receiver<Endpoints> {
        match self.bed.front.is_empty() {
            true => self.bed.roster.endpoints(),
            false => self.bed.front.endpoints(),
        }
    }

    /// The nodes, in order, the broker, the balancers and the consumers; those that have ended are still
    /// there, without a process id.
    pub fn sampled(&self) -> Vec<Sampled> {
        let mut sampled = self.bed.roster.sampled();
        sampled.extend(self.bed.backplane.sampled());
        sampled.extend(self.bed.front.sampled());
        sampled.extend(self.bed.consumers.iter().filter_map(Consumer::sampled));
        sampled
    }

    /// Where the consumers of readings write down what they have handled.
    pub fn journals(&self) -> Vec<PathBuf> {
        let consumers = self.bed.consumers.iter();
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
    pub async fn apply(&self, event: &Event) -> Result<(), TestbedError> {
        tokio::select! {
            biased;
            () = self.bed.stopping.cancelled() => Err(TestbedError::Stopping),
            done = actions::apply(&self.bed, event) => done,
        }
    }

    /// The processes that have ended without being asked to, with how they
    /// ended in words; each once. Never waits: a node that an event works on
    /// is looked at the next time.
    pub fn ended(&self) -> Vec<(String, String)> {
        self.bed.look_for_ends();
        mem::take(&mut *self.bed.unasked())
    }

    /// The nodes that have ended because an event asked them to, each end once.
    /// Never waits, as [`Testbed::ended`].
    pub fn left(&self) -> Vec<Left> {
        self.bed.look_for_ends();
        mem::take(&mut *self.bed.left.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends every process and waits for it: in order where it does so within
    /// five seconds, by SIGKILL otherwise. Balancers first, then nodes, consumers, the broker;
    /// of one that goes on, what the cluster kept there is removed. An event under way is
    /// given up. In words, what was found wrong at the broker.
    pub async fn stop(&self) -> Vec<String> {
        self.bed.stopping.cancel();
        self.bed.front.stop().await;
        let nodes = self.bed.roster.nodes();
        join_all(nodes.iter().map(|node| self.bed.stop_node(node))).await;
        join_all(self.bed.consumers.iter().map(Consumer::stop)).await;
        self.bed.backplane.stop().await
    }
}

impl Bed {
    /// Starts so many nodes, then the balancers and the consumers.
    async fn start_all(&self, nodes: u32) -> Result<(), TestbedError> {
        let nodes = (1..=nodes).map(|number| self.new_node(&format!("n{number}")));
        try_join_all(nodes.map(|node| self.start_node(node))).await?;
        self.front.start(self).await?;
        let consumers = self.consumers.iter();
        try_join_all(consumers.map(|consumer| consumer.restart(self))).await?;
        Ok(())
    }

    /// The node of this name, new if there was none.
    pub(super) fn new_node(&self, id: &str) -> Arc<Node> {
        let log = self.log_dir.join(format!("{id}.log"));
        self.roster.node_or_new(id, log)
    }

    /// Starts a node that is down; returns when it is ready, sees the others
    /// and is seen by them. Only then are clients sent to it.
    pub(super) async fn start_node(&self, node: Arc<Node>) -> Result<(), TestbedError> {
        let mut process = node.process.lock().await;
        self.start_process(&node, &mut process).await
    }

    /// The same, for one who holds the node's process. A node that does not
    /// get ready is killed.
    pub(super) async fn start_process(
        &self,
        node: &Node,
        process: &mut Option<Child>,
    ) -> Result<(), TestbedError> {
        let started = self.start_and_wait(node, process).await;
        if started.is_err() {
            *process = None;
            node.is_down(self, Listed::AsBefore);
        }
        started
    }

    async fn start_and_wait(
        &self,
        node: &Node,
        process: &mut Option<Child>,
    ) -> Result<(), TestbedError> {
        let address = node.start(self, process).await?;
        let child = running(process, &node.id)?;
        readiness::until_ready(self, node, child, address).await?;
        readiness::until_joined(self, node).await?;
        self.front.joined(self, &node.id, address).await?;
        self.roster.show(&node.id, |shown| shown.listed = true);
        Ok(())
    }

    /// Takes the status of a node that has ended, for one who holds its
    /// process; whether somebody asked for it is remembered.
    pub(super) fn take_end(&self, node: &Node, process: &mut Option<Child>) {
        let Some(exit) = process.as_mut().and_then(Child::try_exit) else {
            return;
        };
        *process = None;
        let asked = self
            .roster
            .shown(&node.id)
            .is_some_and(|shown| shown.life == Life::Leaving);
        let listed = if asked {
            Listed::NoMore
        } else {
            Listed::AsBefore
        };
        node.is_down(self, listed);
        if asked {
            self.has_left(node, exit);
        } else {
            self.unasked().push((node.id.clone(), exit.to_string()));
        }
    }

    /// Remembers how a node ended that was asked to.
    pub(super) fn has_left(&self, node: &Node, exit: Exit) {
        let id = node.id.clone();
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.push(Left { id, exit });
    }

    /// Takes the status of every process that has ended, but for those that an
    /// event works on.
    fn look_for_ends(&self) {
        for node in self.roster.nodes() {
            if let Ok(mut process) = node.process.try_lock() {
                self.take_end(&node, &mut process);
            }
        }
        let ends = self.consumers.iter().filter_map(Consumer::take_end);
        self.unasked().extend(ends);
        self.unasked().extend(self.front.take_ends());
        self.take_broker_end();
    }

    /// Takes the status of an embedded broker that has ended by itself.
    pub(super) fn take_broker_end(&self) {
        let broker = self.backplane.embedded().ok();
        if let Some(status) = broker.and_then(Embedded::take_end) {
            self.unasked().push((BROKER.to_owned(), status));
        }
    }

    fn unasked(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        let unasked = self.unasked.lock();
        unasked.unwrap_or_else(PoisonError::into_inner)
    }

    async fn stop_node(&self, node: &Node) {
        let mut process = node.process.lock().await;
        if let Some(mut child) = process.take() {
            node.is_leaving(self);
            child.stop(STOP_WITHIN).await;
            node.is_down(self, Listed::NoMore);
        }
    }
}
