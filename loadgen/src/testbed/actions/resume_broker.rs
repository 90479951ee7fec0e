//! SIGCONT after a pause; over when the nodes see each other again.

use super::super::{TestbedError, cluster::Bed, readiness};
use crate::process::Signal;

pub(super) async fn apply(bed: &Bed) -> Result<(), TestbedError> {
    bed.backplane.embedded()?.signal(Signal::SIGCONT).await?;
    readiness::until_met(bed).await
}
