//! SIGSTOP: connections to the broker stay open, and nothing comes through.

use super::super::{TestbedError, cluster::ClusterInner};
use crate::process::Signal;

pub(super) async fn apply(cluster: &ClusterInner) -> Result<(), TestbedError> {
    cluster.backplane.embedded()?.signal(Signal::SIGSTOP).await
}
