//! Starts a consumer again with its journal. One that still runs is ended in order
//! first.

use super::super::{TestbedError, cluster::ClusterInner, consumer};

pub(super) async fn apply(cluster: &ClusterInner, id: &str) -> Result<(), TestbedError> {
    consumer::find(cluster, id)?.restart(cluster).await
}
