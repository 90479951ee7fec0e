//! What joins the nodes of a cluster.
//!
//! - [`embedded`]: the embedded broker, a process of the testbed's own;
//! - [`outside`]: a broker that is running already, which the testbed asks and
//!   never touches.

mod embedded;
mod external;

use std::{ffi::OsString, path::Path};

use highwater_scenarios::plan::{self, Action, Balancer, Cluster, Event, Plan};

pub(super) use self::embedded::Embedded;
use self::external::Outside;
use super::TestbedError;
use crate::{process::Spawner, sampling::Sampled};

/// What joins the nodes.
#[derive(Debug)]
pub(super) enum Backplane {
    /// Nothing: a node that is and stays alone.
    None,
    /// The embedded broker.
    Embedded(Box<Embedded>),
    /// A broker that is running already.
    Outside(Outside),
}

impl Backplane {
    /// Starts the broker, if nodes are joined by the embedded one, or asks the
    /// one that is running whether it answers.
    pub(super) async fn start(
        plan: &Plan,
        cluster: &Cluster,
        spawner: &Spawner,
        exe: &Path,
        log_dir: &Path,
    ) -> Result<Self, TestbedError> {
        match &cluster.backplane {
            plan::Backplane::Local if is_alone(plan, cluster) => Ok(Self::None),
            plan::Backplane::Local => {
                let broker = Embedded::start(spawner, exe, log_dir).await?;
                Ok(Self::Embedded(Box::new(broker)))
            }
            plan::Backplane::Broker(broker) => {
                Ok(Self::Outside(Outside::reach(broker.clone()).await?))
            }
        }
    }

    /// What a node or a gateway is started with: arguments, and variables of its environment
    /// for what no other user of the machine may read.
    pub(super) fn of_a_member(&self) -> (Vec<OsString>, Vec<(OsString, OsString)>) {
        match self {
            Self::None => (Vec::new(), Vec::new()),
            Self::Embedded(broker) => (broker.of_a_node(), Vec::new()),
            Self::Outside(broker) => broker.of_a_node(),
        }
    }

    /// The broker, for the sampler.
    pub(super) fn sampled(&self) -> Option<Sampled> {
        match self {
            Self::None => None,
            Self::Embedded(broker) => Some(broker.sampled()),
            Self::Outside(broker) => Some(broker.sampled()),
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
            Self::Outside(broker) => broker.tidy().await,
        }
    }

    /// The embedded broker.
    pub(super) fn embedded(&self) -> Result<&Embedded, TestbedError> {
        match self {
            Self::Embedded(broker) => Ok(broker),
            Self::None | Self::Outside(_) => Err(TestbedError::NoBroker),
        }
    }
}

/// A node alone, without consumers and gateways, needs no broker, but it cannot be joined
/// to one later.
fn is_alone(plan: &Plan, cluster: &Cluster) -> bool {
    let adds = |event: &Event| event.action == Action::AddNode;
    let others = cluster.consumers.count > 0 || cluster.balancer == Balancer::Gateway;
    cluster.nodes == 1 && !others && !plan.events.iter().any(adds)
}
