//! The broker of a cluster: none, the embedded one or an external one.

use highwater_scenarios::plan::{
    Action, BackplaneSpec, BalancerKind, ClusterSpec, EventSpec, Plan,
};

use super::{
    super::{
        TestbedError,
        cluster_process::STOP_TIMEOUT,
        launcher::{LaunchArgs, Launcher},
    },
    embedded::EmbeddedBroker,
    external::{BrokerUse, ExternalBroker},
};
use crate::sampling::SampleTarget;

/// The broker that joins the nodes.
#[derive(Debug)]
pub(in crate::testbed) enum TestbedBackplane {
    /// No broker: the one node is the only process that would ever use it.
    None,
    /// The embedded broker.
    Embedded(Box<EmbeddedBroker>),
    /// A broker that runs already.
    External(Box<ExternalBroker>),
}

impl TestbedBackplane {
    /// Starts the embedded broker, or checks that the external one answers, where the cluster has
    /// this name.
    pub(in crate::testbed) async fn start(
        plan: &Plan,
        cluster: &ClusterSpec,
        launcher: &Launcher,
        name: &str,
    ) -> Result<Self, TestbedError> {
        match &cluster.backplane {
            BackplaneSpec::Local if is_single_node(plan, cluster) => Ok(Self::None),
            BackplaneSpec::Local => {
                let broker = EmbeddedBroker::start(launcher).await?;
                Ok(Self::Embedded(Box::new(broker)))
            }
            BackplaneSpec::Broker(broker) => {
                let usage = BrokerUse::Backplane;
                let broker = ExternalBroker::connect(broker.clone(), usage, name).await?;
                let broker = broker.with_filter(name, launcher).await?;
                Ok(Self::External(Box::new(broker)))
            }
        }
    }

    /// Returns the arguments and variables with which a process joins the backplane.
    pub(in crate::testbed) fn join_args(&self) -> LaunchArgs {
        match self {
            Self::None => LaunchArgs::default(),
            Self::Embedded(broker) => broker.join_args(),
            Self::External(broker) => broker.join_args(),
        }
    }

    /// Returns the broker for the sampler.
    pub(in crate::testbed) fn sample_target(&self) -> Option<SampleTarget> {
        match self {
            Self::None => None,
            Self::Embedded(broker) => Some(broker.sample_target()),
            Self::External(broker) => Some(broker.sample_target()),
        }
    }

    /// Ends the embedded broker, or deletes the channels and queues of the cluster at an external
    /// one. The caller has ended the nodes before. Returns the problems, one text each.
    pub(in crate::testbed) async fn stop(&self, cluster: &str) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::Embedded(broker) => {
                broker.process.stop(STOP_TIMEOUT).await;
                Vec::new()
            }
            Self::External(broker) => broker.cleanup(cluster).await,
        }
    }

    /// Returns the embedded broker, or an error if the cluster has none.
    pub(in crate::testbed) fn embedded(&self) -> Result<&EmbeddedBroker, TestbedError> {
        match self {
            Self::Embedded(broker) => Ok(broker),
            Self::None | Self::External(_) => Err(TestbedError::NoBroker),
        }
    }
}

/// Whether one node is the only process that would ever use a broker. A running node cannot
/// join a broker later, so an event that adds a node counts from the start.
fn is_single_node(plan: &Plan, cluster: &ClusterSpec) -> bool {
    let adds_node = |event: &EventSpec| event.action == Action::AddNode;
    let has_consumers = cluster.consumers.count > 0 && cluster.telemetry.is_none();
    let has_other_users = has_consumers || cluster.balancer == BalancerKind::Gateway;
    cluster.nodes == 1 && !has_other_users && !plan.events.iter().any(adds_node)
}
