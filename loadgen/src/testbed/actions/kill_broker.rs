//! SIGKILL: every node loses the broker at once, and tries it again and again.

use super::super::{TestbedError, cluster::Bed};

pub(super) async fn apply(bed: &Bed) -> Result<(), TestbedError> {
    bed.backplane.embedded()?.kill().await
}
