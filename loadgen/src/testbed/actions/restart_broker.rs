//! Starts the broker again on its old address; one that still runs is ended in
//! order first. Over when the nodes see each other again.

use super::super::{TestbedError, cluster::ClusterInner, readiness};

pub(super) async fn apply(cluster: &ClusterInner) -> Result<(), TestbedError> {
    let broker = cluster.backplane.embedded()?;
    cluster.record_broker_exit();
    broker.restart().await?;
    readiness::wait_until_all_joined(cluster).await
}
