//! Waits until nodes are ready and see each other.

use std::{net::SocketAddr, path::Path, time::Duration};

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
    let scheme = bed.http.scheme();
    until_serving(bed, (&node.id, &node.log), child, (scheme, address)).await
}

/// The same of any process that has such a path, by its name, its log, and what it
/// speaks where.
pub(super) async fn until_serving(
    bed: &Bed,
    (id, log): (&str, &Path),
    child: &mut Child,
    (scheme, address): (&str, SocketAddr),
) -> Result<(), TestbedError> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        if let Some(exit) = child.try_exit() {
            return Err(TestbedError::Start {
                id: id.to_owned(),
                source: child.ended(exit),
            });
        }
        match bed.http.ready(scheme, address).await {
            Ok(()) => return Ok(()),
            Err(error) => again(id, log, deadline, in_full(&error)).await?,
        }
    }
}

/// Waits until `node` and every other running node see each other.
pub(super) async fn until_joined(bed: &Bed, node: &Node) -> Result<(), TestbedError> {
    // What the others see of each other is not this node's matter.
    let matters = |asked: &str, seen: &str| asked == node.id || seen == node.id;
    let deadline = Instant::now() + READY_WITHIN;
    while let Some(missing) = missing(bed, matters).await {
        again(&node.id, &node.log, deadline, missing).await?;
    }
    Ok(())
}

/// Waits until all running nodes see each other.
pub(super) async fn until_met(bed: &Bed) -> Result<(), TestbedError> {
    let deadline = Instant::now() + READY_WITHIN;
    while let Some(missing) = missing(bed, |_, _| true).await {
        if Instant::now() >= deadline {
            return Err(TestbedError::NotMet {
                waited: READY_WITHIN,
                missing,
            });
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Pauses, or gives up once the deadline has passed.
async fn again(
    id: &str,
    log: &Path,
    deadline: Instant,
    reason: String,
) -> Result<(), TestbedError> {
    if Instant::now() < deadline {
        sleep(PAUSE).await;
        return Ok(());
    }
    Err(TestbedError::NotReady {
        id: id.to_owned(),
        waited: READY_WITHIN,
        reason,
        log: log::tail(log),
    })
}

/// Who does not see whom, in words, of those pairs that matter; the nodes are
/// asked one after the other, and it is read anew each time who runs.
async fn missing(bed: &Bed, matters: impl Fn(&str, &str) -> bool) -> Option<String> {
    let running = bed.roster.running();
    for (asked, address) in &running {
        let seen = match bed.http.members(*address).await {
            Ok(seen) => seen,
            Err(error) => return Some(in_full(&error)),
        };
        let everyone = running.iter().map(|(id, _)| id);
        let unseen = everyone
            .filter(|id| matters(asked, id))
            .find(|id| !seen.contains(*id));
        if let Some(unseen) = unseen {
            return Some(format!("{asked} does not see {unseen}"));
        }
    }
    None
}
