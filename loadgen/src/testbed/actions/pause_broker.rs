//! SIGSTOP: connections to the broker stay open, and nothing comes through.

use highwater_process::Signal;

use super::super::{TestbedError, cluster::ClusterInner};

pub(super) async fn apply(cluster: &ClusterInner) -> Result<(), TestbedError> {
    cluster.backplane.embedded()?.signal(Signal::SIGSTOP).await
}
