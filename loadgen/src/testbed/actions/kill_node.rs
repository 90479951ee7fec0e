//! SIGKILL, without notice: clients are still sent to the node.

use super::super::{
    TestbedError,
    cluster::Bed,
    node::{Listed, running},
};

pub(super) async fn apply(bed: &Bed, id: &str) -> Result<(), TestbedError> {
    let node = bed.roster.node(id)?;
    let mut process = node.process.lock().await;
    running(&mut process, id)?.kill().await;
    *process = None;
    node.is_down(bed, Listed::AsBefore);
    Ok(())
}
