//! Starts the broker again on its old address; one that still runs is ended in
//! order first. Over when the nodes see each other again.

use super::super::{TestbedError, cluster::Bed, readiness};

pub(super) async fn apply(bed: &Bed) -> Result<(), TestbedError> {
    let broker = bed.backplane.embedded()?;
    bed.take_broker_end();
    broker.restart().await?;
    readiness::until_met(bed).await
}
