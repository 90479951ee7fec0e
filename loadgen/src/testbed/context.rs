//! The parts of a cluster that starting a process needs.

use std::time::Duration;

use highwater_scenarios::plan::{BalancerLoadMetric, ClusterSpec, Routing};

use super::{
    backplane::TestbedBackplane, credentials::Credentials, launcher::Launcher,
    node_client::NodeClient, node_registry::NodeRegistry,
};

/// The parts that every process of the cluster is started and watched with.
#[derive(Debug)]
pub(super) struct ClusterContext {
    /// The launcher of processes.
    pub(super) launcher: Launcher,
    /// The broker that joins the nodes.
    pub(super) backplane: TestbedBackplane,
    /// Certificates and secrets.
    pub(super) credentials: Credentials,
    /// The HTTP client for requests to nodes.
    pub(super) client: NodeClient,
    /// The nodes and their status.
    pub(super) registry: NodeRegistry,
    /// The settings of every node.
    pub(super) settings: NodeSettings,
}

/// The settings of every node.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeSettings {
    /// The way in which a command finds its device.
    pub(super) routing: Routing,
    /// The load that nodes report to the balancer.
    pub(super) load_metric: BalancerLoadMetric,
    /// The longest time that a node keeps a socket, if there is a limit.
    pub(super) max_age: Option<Duration>,
}

impl NodeSettings {
    /// Takes the settings from the scenario's cluster.
    pub(super) fn new(cluster: &ClusterSpec) -> Self {
        Self {
            routing: cluster.routing,
            load_metric: cluster.load_metric,
            max_age: cluster.max_age,
        }
    }
}
