//! The state of a cluster: nodes, balancers, consumers and their exits.

use std::{fs, path::Path, sync::Arc};

use futures_util::future::{join_all, try_join_all};
use highwater_process::{Child, Spawner};
use highwater_scenarios::plan::{ClusterSpec, Plan};
use tokio_util::sync::CancellationToken;

use super::{
    TestbedError,
    backplane::TestbedBrokers,
    balancer::LoadBalancers,
    cluster_process::{ClusterProcess, STOP_TIMEOUT, running_child},
    consumer::{self, ConsumerProcess},
    context::ClusterContext,
    credentials::Credentials,
    exits::{ExitLog, NodeExit},
    launcher::{Launcher, NICENESS},
    node::{ProcessState, RoutingState},
    node_client::NodeClient,
    node_launch,
    node_registry::NodeRegistry,
    readiness,
};

/// The state that the actions work on. Each node's lock owns its process, and an action
/// holds that lock while it works; the other fields are read without waiting.
#[derive(Debug)]
pub(super) struct ClusterInner {
    /// The parts that starting a process needs.
    pub(super) context: ClusterContext,
    /// The balancers in front of the nodes.
    pub(super) load_balancers: LoadBalancers,
    /// The consumers of telemetry.
    pub(super) consumers: Vec<ConsumerProcess>,
    /// Exits that the coordinator has not taken yet.
    pub(super) exits: ExitLog,
    /// Cancelled when the cluster is stopped.
    pub(super) stopping: CancellationToken,
}

impl ClusterInner {
    /// Creates the cluster and starts its broker. No other process runs yet.
    pub(super) async fn create(
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
        let launcher = Launcher {
            exe: exe.to_owned(),
            log_dir: log_dir.to_owned(),
            spawner,
            niceness: NICENESS,
        };
        // Before the broker: a missing program is found before any process starts.
        let load_balancers = LoadBalancers::create(plan, cluster, log_dir)?;
        let brokers = TestbedBrokers::start(plan, cluster, &launcher).await?;
        let credentials = Credentials::generate(plan, cluster)?;
        Ok(Self {
            load_balancers,
            consumers: consumer::create_consumers(cluster.consumers.count, &launcher),
            exits: ExitLog::default(),
            stopping: CancellationToken::new(),
            context: ClusterContext {
                launcher,
                brokers,
                client: NodeClient::new(&credentials)?,
                registry: NodeRegistry::new(credentials.node_scheme()),
                credentials,
                spec: cluster.clone(),
            },
        })
    }

    /// Starts `nodes` nodes, then the balancers, then the consumers.
    pub(super) async fn start_all(&self, nodes: u32) -> Result<(), TestbedError> {
        // All at once: each node waits until it sees the others, so the start takes as long as
        // the slowest of them.
        let nodes = (1..=nodes).map(|number| self.get_or_create_node(&format!("n{number}")));
        try_join_all(nodes.map(|node| self.lock_and_start_node(node))).await?;
        // After the nodes, because a configuration names their addresses.
        self.load_balancers.start(&self.context).await?;
        // Consumers may come last, because telemetry begins with the load.
        let consumers = self.consumers.iter();
        try_join_all(consumers.map(|consumer| consumer.restart(&self.context))).await?;
        Ok(())
    }

    /// Stops every process. Clients are cut off at the balancers first, and the broker goes
    /// last, because the nodes announce their leave through it.
    pub(super) async fn stop(&self) -> Vec<String> {
        // Before the first lock: an event in progress holds the lock of its process, and gives
        // it up when it is cancelled.
        self.stopping.cancel();
        self.load_balancers.stop().await;
        let nodes = self.context.registry.nodes();
        join_all(nodes.iter().map(|node| self.stop_node(node))).await;
        join_all(self.consumers.iter().map(ConsumerProcess::stop)).await;
        self.context.brokers.stop().await
    }

    /// Returns the consumer of this name.
    pub(super) fn consumer(&self, id: &str) -> Result<&ConsumerProcess, TestbedError> {
        let mut consumers = self.consumers.iter();
        let consumer = consumers.find(|consumer| consumer.process.id == id);
        consumer.ok_or_else(|| TestbedError::NoSuchProcess(id.into()))
    }

    /// Returns the node of this name, which is new if there was none.
    pub(super) fn get_or_create_node(&self, id: &str) -> Arc<ClusterProcess> {
        let log_dir = &self.context.launcher.log_dir;
        self.context.registry.get_or_insert(id, log_dir)
    }

    /// Starts a node that is down into `slot`, its lock. The call returns when the node is
    /// ready, sees the others and is seen by them. Only then are clients sent to it. A node
    /// that does not become ready is killed.
    pub(super) async fn start_node(
        &self,
        node: &ClusterProcess,
        slot: &mut Option<Child>,
    ) -> Result<(), TestbedError> {
        let started = self.start_and_join(node, slot).await;
        if started.is_err() {
            node.forget_child(slot);
            let registry = &self.context.registry;
            registry.mark_down(&node.id, RoutingState::Unchanged);
        }
        started
    }

    async fn lock_and_start_node(&self, node: Arc<ClusterProcess>) -> Result<(), TestbedError> {
        let mut slot = node.child.lock().await;
        self.start_node(&node, &mut slot).await
    }

    async fn start_and_join(
        &self,
        node: &ClusterProcess,
        slot: &mut Option<Child>,
    ) -> Result<(), TestbedError> {
        let context = &self.context;
        // A node that starts again keeps its port, so that its clients find it.
        let previous = node.status.lock().address;
        let reserved = || self.load_balancers.release_reserved(&node.id);
        let address = node_launch::start(context, node, slot, previous.or_else(reserved)).await?;
        let child = running_child(slot, &node.id)?;
        let scheme = context.client.scheme;
        readiness::wait_until_serving(context, node, child, scheme, address).await?;
        readiness::wait_until_joined(context, node).await?;
        // Before the routing: if a balancer rejects the node, the start fails, and no client may
        // be sent to it.
        let balancers = &self.load_balancers;
        balancers.add_node(context, &node.id, address).await?;
        context.registry.mark_routed(&node.id);
        Ok(())
    }

    /// Records the exit of a node that has ended. The caller holds `slot`, the node's lock.
    pub(super) fn record_exit(&self, node: &ClusterProcess, slot: &mut Option<Child>) {
        let Some(exit) = node.take_exit(slot) else {
            return;
        };
        let registry = &self.context.registry;
        let state = registry.status(&node.id).map(|status| status.state);
        // A node that was asked to end is out of the routing already. A node that died stays in
        // it, so that clients see what they would see behind DNS.
        if state == Some(ProcessState::Stopping) {
            registry.mark_down(&node.id, RoutingState::Removed);
            let id = node.id.clone();
            self.exits.requested.lock().push(NodeExit { id, exit });
        } else {
            registry.mark_down(&node.id, RoutingState::Unchanged);
            let exit = (node.id.clone(), exit.to_string());
            self.exits.unexpected.lock().push(exit);
        }
    }

    /// Records the exits of all processes, except those that an event works on.
    pub(super) fn poll_exits(&self) {
        for node in self.context.registry.nodes() {
            // Never waits: the coordinator polls once a second, and an event may hold the lock
            // for a minute.
            if let Ok(mut slot) = node.child.try_lock() {
                self.record_exit(&node, &mut slot);
            }
        }
        let consumers = self.consumers.iter();
        let exits = consumers.filter_map(|consumer| consumer.process.take_unexpected_exit());
        let exits = exits.chain(self.load_balancers.take_unexpected_exits());
        self.exits.unexpected.lock().extend(exits);
        self.record_broker_exit();
    }

    /// Records the exit of an embedded broker that has ended without a request.
    pub(super) fn record_broker_exit(&self) {
        let broker = self.context.brokers.embedded().ok();
        let exit = broker.and_then(|broker| broker.process.take_unexpected_exit());
        self.exits.unexpected.lock().extend(exit);
    }

    async fn stop_node(&self, node: &ClusterProcess) {
        let mut slot = node.child.lock().await;
        if slot.is_some() {
            let registry = &self.context.registry;
            registry.mark_stopping(&node.id);
            node.stop_child(&mut slot, STOP_TIMEOUT).await;
            registry.mark_down(&node.id, RoutingState::Removed);
        }
    }
}
