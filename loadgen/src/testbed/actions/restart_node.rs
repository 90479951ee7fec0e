//! Starts a node again on its old address. One that still runs is ended in
//! order first, and gets no clients until it is back.

use std::time::Duration;

use super::super::{TestbedError, cluster::Bed, node::Listed};

/// How long a node that runs may take to drain: at its usual rate of 500 devices
/// a second, enough for what a process may have open here.
const DRAIN_WITHIN: Duration = Duration::from_secs(90);

pub(super) async fn apply(bed: &Bed, id: &str) -> Result<(), TestbedError> {
    let node = bed.roster.node(id)?;
    let mut process = node.process.lock().await;
    bed.take_end(&node, &mut process);
    if let Some(child) = process.as_mut() {
        bed.front.leaving(bed, id).await?;
        node.is_leaving(bed);
        let exit = child.stop(DRAIN_WITHIN).await;
        bed.has_left(&node, exit);
        *process = None;
        node.is_down(bed, Listed::NoMore);
    }
    bed.start_process(&node, &mut process).await
}
