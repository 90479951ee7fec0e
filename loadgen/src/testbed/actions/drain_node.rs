//! Asks a node to drain; it ends by itself once its sockets are closed.

use super::super::{
    TestbedError,
    cluster::Bed,
    node::{address, running},
};

pub(super) async fn apply(bed: &Bed, id: &str) -> Result<(), TestbedError> {
    let node = bed.roster.node(id)?;
    let mut process = node.process.lock().await;
    running(&mut process, id)?;
    bed.http.drain(address(bed, id)?).await?;
    node.is_leaving(bed);
    Ok(())
}
