//! Starts a consumer again with its journal. One that still runs is ended in order
//! first.

use super::super::{TestbedError, cluster::Bed, consumer};

pub(super) async fn apply(bed: &Bed, id: &str) -> Result<(), TestbedError> {
    consumer::find(bed, id)?.restart(bed).await
}
