//! SIGKILL to a consumer, with readings in its hand.

use super::super::{TestbedError, cluster::ClusterInner, consumer};

pub(super) async fn apply(cluster: &ClusterInner, id: &str) -> Result<(), TestbedError> {
    consumer::find(cluster, id)?.kill().await
}
