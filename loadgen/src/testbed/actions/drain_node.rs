//! Asks a node to drain; it ends by itself once its sockets are closed. Balancers that
//! are told of nodes are told first.

use super::super::{
    TestbedError,
    cluster::Bed,
    node::{address, running},
};

pub(super) async fn apply(bed: &Bed, id: &str) -> Result<(), TestbedError> {
    let node = bed.roster.node(id)?;
    let mut process = node.process.lock().await;
    running(&mut process, id)?;
    bed.front.leaving(bed, id).await?;
    bed.http.drain(address(bed, id)?).await?;
    node.is_leaving(bed);
    Ok(())
}
