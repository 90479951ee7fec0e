//! The table of events.

use highwater_process::Signal;
use highwater_scenarios::plan::{Action, EventSpec};

use super::{
    super::{TestbedError, backplane::EmbeddedBroker, cluster::ClusterInner, readiness},
    faults, nodes, rebalance,
};

/// Applies an event; the call returns when the event is over.
pub(in crate::testbed) async fn apply(
    cluster: &ClusterInner,
    event: &EventSpec,
) -> Result<(), TestbedError> {
    // The scenario calls the process of every event `node`, also a broker or a consumer.
    let id = &event.node;
    match &event.action {
        Action::AddNode => nodes::add(cluster, id).await,
        Action::KillNode => nodes::kill(cluster, id).await,
        Action::RestartNode => nodes::restart(cluster, id).await,
        Action::DrainNode => nodes::drain(cluster, id).await,
        Action::PauseNode => nodes::pause(cluster, id).await,
        Action::ResumeNode => nodes::resume(cluster, id).await,
        Action::KillBroker => broker(cluster)?.process.kill().await,
        Action::RestartBroker => restart_broker(cluster).await,
        // Its connections stay open, and nothing passes.
        Action::PauseBroker => broker(cluster)?.process.signal(Signal::SIGSTOP).await,
        Action::ResumeBroker => resume_broker(cluster).await,
        Action::KillConsumer => cluster.consumer(id)?.process.kill().await,
        Action::RestartConsumer => cluster.consumer(id)?.restart(&cluster.context).await,
        Action::Rebalance { rate, tolerance } => rebalance::start(cluster, *rate, *tolerance).await,
        Action::Fault { fault } => faults::inject(cluster, id, fault).await,
    }
}

fn broker(cluster: &ClusterInner) -> Result<&EmbeddedBroker, TestbedError> {
    cluster.context.brokers.embedded()
}

/// Starts the broker again at its old address, and waits until the nodes see each other. A
/// broker that runs is ended in order first.
async fn restart_broker(cluster: &ClusterInner) -> Result<(), TestbedError> {
    let broker = broker(cluster)?;
    // A broker that died by itself is reported before the restart hides it.
    cluster.record_broker_exit();
    broker.restart(&cluster.context.launcher).await?;
    readiness::wait_until_all_joined(&cluster.context).await
}

/// Continues the broker's process with SIGCONT, and waits until the nodes see each other.
async fn resume_broker(cluster: &ClusterInner) -> Result<(), TestbedError> {
    broker(cluster)?.process.signal(Signal::SIGCONT).await?;
    readiness::wait_until_all_joined(&cluster.context).await
}
