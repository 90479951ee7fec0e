//! Asks a node to drain; it ends by itself once its sockets are closed. Balancers that
//! are told of nodes are told first.

use super::super::{
    TestbedError,
    cluster::ClusterInner,
    node::{node_address, running_child},
};

pub(super) async fn apply(cluster: &ClusterInner, id: &str) -> Result<(), TestbedError> {
    let node = cluster.registry.node(id)?;
    let mut process = node.process.lock().await;
    running_child(&mut process, id)?;
    cluster.load_balancers.drain_node(cluster, id).await?;
    cluster.http.drain(node_address(cluster, id)?).await?;
    node.mark_stopping(cluster);
    Ok(())
}
