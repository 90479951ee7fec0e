//! A node: a process that can be ended and started again on its old address.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use highwater_process::{Child, Launch, port};
use highwater_scenarios::plan::{BalancerLoadMetric, Routing};
use tokio::sync::Mutex;

use super::{
    TestbedError,
    cluster::ClusterInner,
    node_registry::{NodeStatus, ProcessState},
    startup,
};

/// How long a node's old port may stay taken when it is started again.
const PORT_FREE_TIMEOUT: Duration = Duration::from_secs(15);

/// A node of the cluster. An event holds its process for as long as it works on
/// it, so two events never work on one node at once.
#[derive(Debug)]
pub(super) struct NodeProcess {
    /// `n1`, `n2`, …
    pub(super) id: String,
    /// Where it logs.
    pub(super) log: PathBuf,
    /// Its process; none before its start and after its end.
    pub(super) process: Mutex<Option<Child>>,
}

impl NodeProcess {
    pub(super) fn new(id: &str, log: PathBuf) -> Self {
        Self {
            id: id.to_owned(),
            log,
            process: Mutex::new(None),
        }
    }

    /// Starts the process, on the node's old port if it had one, or on the one that was
    /// kept for it. The caller holds `process`, which must be empty.
    pub(super) async fn start(
        &self,
        cluster: &ClusterInner,
        process: &mut Option<Child>,
    ) -> Result<SocketAddr, TestbedError> {
        let before = cluster
            .registry
            .status(&self.id)
            .and_then(|shown| shown.address);
        let (child, address) =
            match before.or_else(|| cluster.load_balancers.release_reserved(&self.id)) {
                Some(address) => self.start_on_previous_port(cluster, address).await?,
                None => self.start_on_new_port(cluster).await?,
            };
        cluster.registry.update_status(&self.id, |shown| {
            shown.address = Some(address);
            shown.pid = Some(child.pid());
            shown.state = ProcessState::Running;
        });
        *process = Some(child);
        Ok(address)
    }

    /// Notes that the process has ended and its status was taken.
    pub(super) fn mark_down(&self, cluster: &ClusterInner, listed: RoutingState) {
        cluster.registry.update_status(&self.id, |shown| {
            shown.pid = None;
            shown.state = ProcessState::Down;
            shown.is_routed &= listed == RoutingState::Unchanged;
        });
    }

    /// Notes that the node was asked to end, and lets no client come any more.
    pub(super) fn mark_stopping(&self, cluster: &ClusterInner) {
        cluster.registry.update_status(&self.id, |shown| {
            shown.state = ProcessState::Stopping;
            shown.is_routed = false;
        });
    }

    async fn start_on_new_port(
        &self,
        cluster: &ClusterInner,
    ) -> Result<(Child, SocketAddr), TestbedError> {
        port::start_on_free_port(|port| self.start_on(cluster, port)).await
    }

    async fn start_on_previous_port(
        &self,
        cluster: &ClusterInner,
        address: SocketAddr,
    ) -> Result<(Child, SocketAddr), TestbedError> {
        startup::wait_until_port_is_free(&self.id, address.port(), PORT_FREE_TIMEOUT).await?;
        self.start_on(cluster, address.port()).await
    }

    async fn start_on(
        &self,
        cluster: &ClusterInner,
        port: u16,
    ) -> Result<(Child, SocketAddr), TestbedError> {
        let launch = self.launch(cluster, port);
        startup::start(&cluster.spawner, &self.id, launch).await
    }

    fn launch(&self, cluster: &ClusterInner, port: u16) -> Launch {
        let mut arguments: Vec<OsString> = vec![
            "serve".into(),
            "node".into(),
            "--listen".into(),
            format!("127.0.0.1:{port}").into(),
            "--id".into(),
            (&self.id).into(),
            "--routing".into(),
            routing_name(cluster.routing).into(),
            "--allow-faults".into(),
        ];
        if cluster.load_metric == BalancerLoadMetric::Heap {
            arguments.extend(["--load-source".into(), "heap".into()]);
        }
        if let Some(age) = cluster.max_age {
            arguments.push("--max-age".into());
            arguments.push(format!("{}ms", age.as_millis()).into());
        }
        let (joined, env) = cluster.backplane.join_args();
        arguments.extend(joined);
        let (proven, secrets) = cluster.credentials.node_launch_args();
        arguments.extend(proven);
        let launch = Launch::new(&cluster.exe, arguments, &self.log);
        env.into_iter()
            .chain(secrets)
            .fold(launch, |launch, (name, value)| launch.with_env(name, value))
    }
}

/// Whether clients are still sent to a node that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoutingState {
    /// It ended without notice: whoever sends clients does not know.
    Unchanged,
    /// It ended in order.
    Removed,
}

/// The child of a node that runs.
pub(super) fn running_child<'c>(
    process: &'c mut Option<Child>,
    id: &str,
) -> Result<&'c mut Child, TestbedError> {
    let down = || TestbedError::NotRunning { id: id.into() };
    let child = process.as_mut().ok_or_else(down)?;
    child.is_running().then_some(child).ok_or_else(down)
}

/// The address of a node that has listened.
pub(super) fn node_address(cluster: &ClusterInner, id: &str) -> Result<SocketAddr, TestbedError> {
    let shown: Option<NodeStatus> = cluster.registry.status(id);
    shown
        .and_then(|shown| shown.address)
        .ok_or_else(|| TestbedError::NotRunning { id: id.into() })
}

fn routing_name(routing: Routing) -> &'static str {
    match routing {
        Routing::Directory => "directory",
        Routing::Broadcast => "broadcast",
    }
}
