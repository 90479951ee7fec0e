//! SIGCONT after a pause.

use super::super::{TestbedError, cluster::Bed, node::running, node_registry::Life};
use crate::process::Signal;

pub(super) async fn apply(bed: &Bed, id: &str) -> Result<(), TestbedError> {
    let node = bed.roster.node(id)?;
    let mut process = node.process.lock().await;
    let continued = running(&mut process, id)?.signal(Signal::SIGCONT);
    continued.map_err(|source| TestbedError::Signal {
        id: id.into(),
        source,
    })?;
    bed.roster.show(id, |shown| {
        if shown.life == Life::Paused {
            shown.life = Life::Running;
        }
    });
    Ok(())
}
