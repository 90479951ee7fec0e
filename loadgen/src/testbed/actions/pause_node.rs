//! SIGSTOP: the node hangs with all its sockets open.

use highwater_process::Signal;

use super::super::{
    TestbedError, cluster::ClusterInner, node::running_child, node_registry::ProcessState,
};

pub(super) async fn apply(cluster: &ClusterInner, id: &str) -> Result<(), TestbedError> {
    let node = cluster.registry.node(id)?;
    let mut process = node.process.lock().await;
    let stopped = running_child(&mut process, id)?.signal(Signal::SIGSTOP);
    stopped.map_err(|source| TestbedError::Signal {
        id: id.into(),
        source,
    })?;
    cluster.registry.update_status(id, |shown| {
        if shown.state == ProcessState::Running {
            shown.state = ProcessState::Paused;
        }
    });
    Ok(())
}
