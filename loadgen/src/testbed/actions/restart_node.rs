//! Starts a node again on its old address. One that still runs is ended in
//! order first, and gets no clients until it is back.

use std::time::Duration;

use super::super::{TestbedError, cluster::ClusterInner, node::RoutingState};

/// How long a node that runs may take to drain: at its usual rate of 500 devices
/// a second, enough for what a process may have open here.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(90);

pub(super) async fn apply(cluster: &ClusterInner, id: &str) -> Result<(), TestbedError> {
    let node = cluster.registry.node(id)?;
    let mut process = node.process.lock().await;
    cluster.record_exit(&node, &mut process);
    if let Some(child) = process.as_mut() {
        cluster.load_balancers.drain_node(cluster, id).await?;
        node.mark_stopping(cluster);
        let exit = child.stop(DRAIN_TIMEOUT).await;
        cluster.record_requested_exit(&node, exit);
        *process = None;
        node.mark_down(cluster, RoutingState::Removed);
    }
    cluster.start_process(&node, &mut process).await
}
