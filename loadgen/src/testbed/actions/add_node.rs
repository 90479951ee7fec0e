//! One more node; its clients come once it is ready.

use super::super::{TestbedError, cluster::Bed};

pub(super) async fn apply(bed: &Bed, id: &str) -> Result<(), TestbedError> {
    let node = bed.new_node(id);
    let mut process = node.process.lock().await;
    bed.take_end(&node, &mut process);
    if process.is_some() {
        return Err(TestbedError::AlreadyRunning { id: id.into() });
    }
    bed.start_process(&node, &mut process).await
}
