//! The table of events.

use highwater_scenarios::plan::{Action, EventSpec};

use super::{
    super::{TestbedError, cluster::ClusterInner},
    broker, faults, nodes, rebalance,
};

/// Applies an event; the call returns when the event is over.
pub(in crate::testbed) async fn apply(
    cluster: &ClusterInner,
    event: &EventSpec,
) -> Result<(), TestbedError> {
    // The scenario's word for the process of an event is `node`, whatever it is.
    let id = &event.node;
    match &event.action {
        Action::AddNode => nodes::add(cluster, id).await,
        Action::KillNode => nodes::kill(cluster, id).await,
        Action::RestartNode => nodes::restart(cluster, id).await,
        Action::DrainNode => nodes::drain(cluster, id).await,
        Action::PauseNode => nodes::pause(cluster, id).await,
        Action::ResumeNode => nodes::resume(cluster, id).await,
        Action::KillBroker => cluster.broker()?.process().kill().await,
        Action::RestartBroker => broker::restart(cluster).await,
        Action::PauseBroker => broker::pause(cluster).await,
        Action::ResumeBroker => broker::resume(cluster).await,
        Action::KillConsumer => cluster.consumer(id)?.process.kill().await,
        Action::RestartConsumer => cluster.consumer(id)?.restart(&cluster.context).await,
        Action::Rebalance { rate, tolerance } => rebalance::start(cluster, *rate, *tolerance).await,
        Action::Fault { fault } => faults::inject(cluster, id, fault).await,
    }
}
