//! What joins the nodes of a cluster.
//!
//! - [`embedded`]: the embedded broker, a process of the testbed's own;
//! - [`external`]: a broker that is running already, which the testbed asks and
//!   never touches.

mod embedded;
mod external;

use std::{ffi::OsString, path::Path};

use highwater_process::Spawner;
use highwater_scenarios::plan::{self, Action, BalancerKind, ClusterSpec, EventSpec, Plan};

pub(super) use self::embedded::EmbeddedBroker;
use self::external::ExternalBroker;
use super::TestbedError;
use crate::sampling::SampleTarget;

/// What joins the nodes.
#[derive(Debug)]
pub(super) enum TestbedBackplane {
    /// Nothing: a node that is and stays alone.
    None,
    /// The embedded broker.
    Embedded(Box<EmbeddedBroker>),
    /// A broker that is running already.
    External(ExternalBroker),
}

impl TestbedBackplane {
    /// Starts the broker, if nodes are joined by the embedded one, or asks the
    /// one that is running whether it answers.
    pub(super) async fn start(
        plan: &Plan,
        cluster: &ClusterSpec,
        spawner: &Spawner,
        exe: &Path,
        log_dir: &Path,
    ) -> Result<Self, TestbedError> {
        match &cluster.backplane {
            plan::BackplaneSpec::Local if is_single_node(plan, cluster) => Ok(Self::None),
            plan::BackplaneSpec::Local => {
                let broker = EmbeddedBroker::start(spawner, exe, log_dir).await?;
                Ok(Self::Embedded(Box::new(broker)))
            }
            plan::BackplaneSpec::Broker(broker) => Ok(Self::External(
                ExternalBroker::connect(broker.clone()).await?,
            )),
        }
    }

    /// What a node or a gateway is started with: arguments, and variables of its environment
    /// for what no other user of the machine may read.
    pub(super) fn join_args(&self) -> (Vec<OsString>, Vec<(OsString, OsString)>) {
        match self {
            Self::None => (Vec::new(), Vec::new()),
            Self::Embedded(broker) => (broker.join_args(), Vec::new()),
            Self::External(broker) => broker.join_args(),
        }
    }

    /// The broker, for the sampler.
    pub(super) fn sample_target(&self) -> Option<SampleTarget> {
        match self {
            Self::None => None,
            Self::Embedded(broker) => Some(broker.sample_target()),
            Self::External(broker) => Some(broker.sample_target()),
        }
    }

    /// Ends the embedded broker, or removes what the cluster kept at another one,
    /// now that the nodes have ended; in words, what was found wrong there.
    pub(super) async fn stop(&self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::Embedded(broker) => {
                broker.stop().await;
                Vec::new()
            }
            Self::External(broker) => broker.cleanup().await,
        }
    }

    /// The embedded broker.
    pub(super) fn embedded(&self) -> Result<&EmbeddedBroker, TestbedError> {
        match self {
            Self::Embedded(broker) => Ok(broker),
            Self::None | Self::External(_) => Err(TestbedError::NoBroker),
        }
    }
}

/// A node alone, without consumers and gateways, needs no broker, but it cannot be joined
/// to one later.
fn is_single_node(plan: &Plan, cluster: &ClusterSpec) -> bool {
    let adds = |event: &EventSpec| event.action == Action::AddNode;
    let others = cluster.consumers.count > 0 || cluster.balancer == BalancerKind::Gateway;
    cluster.nodes == 1 && !others && !plan.events.iter().any(adds)
}
