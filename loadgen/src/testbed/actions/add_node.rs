//! One more node; its clients come once it is ready.

use super::super::{TestbedError, cluster::ClusterInner};

pub(super) async fn apply(cluster: &ClusterInner, id: &str) -> Result<(), TestbedError> {
    let node = cluster.get_or_create_node(id);
    let mut process = node.process.lock().await;
    cluster.record_exit(&node, &mut process);
    if process.is_some() {
        return Err(TestbedError::AlreadyRunning { id: id.into() });
    }
    cluster.start_process(&node, &mut process).await
}
