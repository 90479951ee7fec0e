//! SIGSTOP: the node hangs with all its sockets open.

use super::super::{TestbedError, cluster::Bed, node::running, node_registry::Life};
use crate::process::Signal;

pub(super) async fn apply(bed: &Bed, id: &str) -> Result<(), TestbedError> {
    let node = bed.roster.node(id)?;
    let mut process = node.process.lock().await;
    let stopped = running(&mut process, id)?.signal(Signal::SIGSTOP);
    stopped.map_err(|source| TestbedError::Signal {
        id: id.into(),
        source,
    })?;
    bed.roster.show(id, |shown| {
        if shown.life == Life::Running {
            shown.life = Life::Paused;
        }
    });
    Ok(())
}
