//! SIGCONT after a pause; over when the nodes see each other again.

use highwater_process::Signal;

use super::super::{TestbedError, cluster::ClusterInner, readiness};

pub(super) async fn apply(cluster: &ClusterInner) -> Result<(), TestbedError> {
    cluster
        .backplane
        .embedded()?
        .signal(Signal::SIGCONT)
        .await?;
    readiness::wait_until_all_joined(cluster).await
}
