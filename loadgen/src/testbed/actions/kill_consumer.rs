//! SIGKILL to a consumer, with readings in its hand.

use super::super::{TestbedError, cluster::Bed, consumer};

pub(super) async fn apply(bed: &Bed, id: &str) -> Result<(), TestbedError> {
    consumer::find(bed, id)?.kill().await
}
