//! SIGCONT after a pause; over when the nodes see each other again.

use super::super::{TestbedError, cluster::ClusterInner, readiness};
use crate::process::Signal;

pub(super) async fn apply(cluster: &ClusterInner) -> Result<(), TestbedError> {
    cluster
        .backplane
        .embedded()?
        .signal(Signal::SIGCONT)
        .await?;
    readiness::wait_until_all_joined(cluster).await
}
