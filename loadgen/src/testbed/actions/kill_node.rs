//! SIGKILL, without notice: clients are still sent to the node.

use super::super::{
    TestbedError,
    cluster::ClusterInner,
    node::{RoutingState, running_child},
};

pub(super) async fn apply(cluster: &ClusterInner, id: &str) -> Result<(), TestbedError> {
    let node = cluster.registry.node(id)?;
    let mut process = node.process.lock().await;
    running_child(&mut process, id)?.kill().await;
    *process = None;
    node.mark_down(cluster, RoutingState::Unchanged);
    Ok(())
}
