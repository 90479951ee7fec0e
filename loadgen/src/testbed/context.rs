//! The parts of a cluster that starting a process needs.

use highwater_scenarios::plan::ClusterSpec;

use super::{
    backplane::TestbedBrokers, credentials::Credentials, launcher::Launcher,
    node_client::NodeClient, node_registry::NodeRegistry,
};

/// The parts that every process of the cluster is started and watched with.
#[derive(Debug)]
pub(super) struct ClusterContext {
    /// The scenario's cluster, with the settings of every node.
    pub(super) spec: ClusterSpec,
    /// The launcher of processes.
    pub(super) launcher: Launcher,
    /// The brokers of the backplane and of telemetry.
    pub(super) brokers: TestbedBrokers,
    /// Certificates and secrets.
    pub(super) credentials: Credentials,
    /// The HTTP client for requests to nodes.
    pub(super) client: NodeClient,
    /// The nodes and their status.
    pub(super) registry: NodeRegistry,
}
