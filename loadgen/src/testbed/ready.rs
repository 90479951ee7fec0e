//! Waits until nodes are ready and see each other.

use std::{net::SocketAddr, time::Duration};

use tokio::time::{Instant, sleep};

use super::{TestbedError, cluster::Bed, node::Node};
use crate::{
    causes::in_full,
    process::{Child, log},
};

/// How long a node may take to get ready, and the cluster to be complete.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Pause between two questions.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `/readyz` of a node that was just started says so.
pub(super) async fn until_ready(
    bed: &Bed,
    node: &Node,
    child: &mut Child,
    address: SocketAddr,
) -> Result<(), TestbedError> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        if let Some(exit) = child.try_exit() {
            return Err(TestbedError::Start {
                id: node.id.clone(),
                source: child.ended(exit),
            });
        }
        match bed.http.ready(address).await {
            Ok(()) => return Ok(()),
            Err(error) => again(node, deadline, in_full(&error)).await?,
        }
    }
}

/// Waits until `node` and every other running node see each other.
pub(super) async fn until_joined(bed: &Bed, node: &Node) -> Result<(), TestbedError> {
    let deadline = Instant::now() + READY_WITHIN;
    while let Some(missing) = missing(bed, node).await {
        again(node, deadline, missing).await?;
    }
    Ok(())
}

/// Pauses, or gives up once the deadline has passed.
async fn again(node: &Node, deadline: Instant, reason: String) -> Result<(), TestbedError> {
    if Instant::now() < deadline {
        sleep(PAUSE).await;
        return Ok(());
    }
    Err(TestbedError::NotReady {
        id: node.id.clone(),
        waited: READY_WITHIN,
        reason,
        log: log::tail(&node.log),
    })
}

/// Who does not see whom, in words; the nodes are asked one after the other,
/// and it is read anew each time who runs.
async fn missing(bed: &Bed, node: &Node) -> Option<String> {
    let running = bed.roster.running();
    for (asked, address) in &running {
        let seen = match bed.http.members(*address).await {
            Ok(seen) => seen,
            Err(error) => return Some(in_full(&error)),
        };
        let everyone = running.iter().map(|(id, _)| id);
        // What the others see of each other is not this node's matter.
        let unseen = everyone
            .filter(|id| *asked == node.id || **id == node.id)
            .find(|id| !seen.contains(*id));
        if let Some(unseen) = unseen {
            return Some(format!("{asked} does not see {unseen}"));
        }
    }
    None
}
