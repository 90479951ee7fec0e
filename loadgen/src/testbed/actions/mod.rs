//! What an event does to a node, to a consumer or to the embedded broker.
//!
//! One file each; the next one is written by looking at its neighbour.

mod add_node;
mod drain_node;
mod fault;
mod kill_broker;
mod kill_consumer;
mod kill_node;
mod pause_broker;
mod pause_node;
mod rebalance;
mod restart_broker;
mod restart_consumer;
mod restart_node;
mod resume_broker;
mod resume_node;

use highwater_scenarios::plan::{Action, EventSpec};

use super::{TestbedError, cluster::ClusterInner};

pub(super) async fn apply(cluster: &ClusterInner, event: &EventSpec) -> Result<(), TestbedError> {
    let node = &event.node;
    match &event.action {
        Action::AddNode => add_node::apply(cluster, node).await,
        Action::KillNode => kill_node::apply(cluster, node).await,
        Action::RestartNode => restart_node::apply(cluster, node).await,
        Action::DrainNode => drain_node::apply(cluster, node).await,
        Action::PauseNode => pause_node::apply(cluster, node).await,
        Action::ResumeNode => resume_node::apply(cluster, node).await,
        Action::KillBroker => kill_broker::apply(cluster).await,
        Action::RestartBroker => restart_broker::apply(cluster).await,
        Action::PauseBroker => pause_broker::apply(cluster).await,
        Action::ResumeBroker => resume_broker::apply(cluster).await,
        Action::KillConsumer => kill_consumer::apply(cluster, node).await,
        Action::RestartConsumer => restart_consumer::apply(cluster, node).await,
        Action::Rebalance { rate, tolerance } => rebalance::apply(cluster, *rate, *tolerance).await,
        Action::Fault { fault } => fault::apply(cluster, node, fault).await,
    }
}
