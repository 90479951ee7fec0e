//! SIGSTOP: connections to the broker stay open, and nothing comes through.

use super::super::{TestbedError, cluster::Bed};
use crate::process::Signal;

pub(super) async fn apply(bed: &Bed) -> Result<(), TestbedError> {
    bed.backplane.embedded()?.signal(Signal::SIGSTOP).await
}
