//! SIGKILL: every node loses the broker at once, and tries it again and again.

use super::super::{TestbedError, cluster::ClusterInner};

pub(super) async fn apply(cluster: &ClusterInner) -> Result<(), TestbedError> {
    cluster.backplane.embedded()?.kill().await
}
