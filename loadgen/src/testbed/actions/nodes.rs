//! Events of a node.

use std::time::Duration;

use highwater_process::Signal;

use super::super::{
    TestbedError, cluster::ClusterInner, cluster_process::running_child, exits::NodeExit,
    node::RoutingState,
};

/// The longest time for a node to drain. A node closes 500 sockets a second, which is enough
/// in 90 seconds for the 20,000 files that a process may open on a usual machine.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(90);

/// Starts one more node. Clients are sent to it once it is ready.
pub(super) async fn add(cluster: &ClusterInner, id: &str) -> Result<(), TestbedError> {
    let node = cluster.get_or_create_node(id);
    let mut slot = node.child.lock().await;
    // A node that has died counts as down, and may be added again.
    cluster.record_exit(&node, &mut slot);
    if slot.is_some() {
        return Err(TestbedError::AlreadyRunning(id.into()));
    }
    cluster.start_node(&node, &mut slot).await
}

/// Kills a node with SIGKILL. Clients are still sent to it.
pub(super) async fn kill(cluster: &ClusterInner, id: &str) -> Result<(), TestbedError> {
    let registry = &cluster.context.registry;
    let node = registry.node(id)?;
    let mut slot = node.child.lock().await;
    node.kill_child(&mut slot).await?;
    registry.mark_down(id, RoutingState::Unchanged);
    Ok(())
}

/// Starts a node again at its old address. A node that runs is drained first, and gets no
/// clients until it is back.
pub(super) async fn restart(cluster: &ClusterInner, id: &str) -> Result<(), TestbedError> {
    let context = &cluster.context;
    let node = context.registry.node(id)?;
    let mut slot = node.child.lock().await;
    // A node that died by itself is reported before the restart hides it.
    cluster.record_exit(&node, &mut slot);
    if slot.is_some() {
        cluster.load_balancers.drain_node(context, id).await?;
        context.registry.mark_stopping(id);
        let exit = node.stop_child(&mut slot, DRAIN_TIMEOUT).await;
        let exit = exit.map(|exit| NodeExit {
            id: id.into(),
            exit,
        });
        cluster.exits.requested.lock().extend(exit);
        context.registry.mark_down(id, RoutingState::Removed);
    }
    cluster.start_node(&node, &mut slot).await
}

/// Asks a node to drain. It ends by itself once its sockets are closed.
pub(super) async fn drain(cluster: &ClusterInner, id: &str) -> Result<(), TestbedError> {
    let context = &cluster.context;
    let node = context.registry.node(id)?;
    let mut slot = node.child.lock().await;
    running_child(&mut slot, id)?;
    let address = node.address()?;
    // Balancers first, so that none of them sends a socket to a node that rejects it.
    cluster.load_balancers.drain_node(context, id).await?;
    context.client.drain(address).await?;
    // After the request: a drain that the node rejects leaves it in the routing.
    context.registry.mark_stopping(id);
    Ok(())
}

/// Stops a node's process with SIGSTOP: it hangs with all its sockets open.
pub(super) async fn pause(cluster: &ClusterInner, id: &str) -> Result<(), TestbedError> {
    let registry = &cluster.context.registry;
    registry.node(id)?.signal(Signal::SIGSTOP).await?;
    registry.mark_paused(id);
    Ok(())
}

/// Continues a paused node's process with SIGCONT.
pub(super) async fn resume(cluster: &ClusterInner, id: &str) -> Result<(), TestbedError> {
    let registry = &cluster.context.registry;
    registry.node(id)?.signal(Signal::SIGCONT).await?;
    registry.mark_resumed(id);
    Ok(())
}
