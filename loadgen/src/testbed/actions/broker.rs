//! Events of the embedded broker.

use highwater_process::Signal;

use super::super::{TestbedError, cluster::ClusterInner, readiness};

/// Starts the broker again at its old address, and waits until the nodes see each other. A
/// broker that runs is ended in order first.
pub(super) async fn restart(cluster: &ClusterInner) -> Result<(), TestbedError> {
    let broker = cluster.broker()?;
    // A broker that died by itself is reported before the restart hides it.
    cluster.record_broker_exit();
    broker.restart().await?;
    readiness::wait_until_all_joined(&cluster.context).await
}

/// Stops the broker's process with SIGSTOP: its connections stay open, and nothing passes.
pub(super) async fn pause(cluster: &ClusterInner) -> Result<(), TestbedError> {
    cluster.broker()?.process().signal(Signal::SIGSTOP).await
}

/// Continues the broker's process with SIGCONT, and waits until the nodes see each other.
pub(super) async fn resume(cluster: &ClusterInner) -> Result<(), TestbedError> {
    cluster.broker()?.process().signal(Signal::SIGCONT).await?;
    readiness::wait_until_all_joined(&cluster.context).await
}
