//! Waits until nodes are ready and see each other.

use std::{net::SocketAddr, path::Path, time::Duration};

use tokio::time::{Instant, sleep};

use super::{TestbedError, cluster::Bed, node::Node};
use crate::{
    error_chain::in_full,
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
    let serves = || async {
        let ready = bed.http.ready(scheme, address).await;
        ready.map_err(|error| in_full(&error))
    };
    until((id, log), child, serves).await
}

/// Waits until a gateway, by its name, its log and where it is asked, sees all nodes
/// that run.
pub(super) async fn until_seen(
    bed: &Bed,
    named: (&str, &Path),
    child: &mut Child,
    gateway: SocketAddr,
) -> Result<(), TestbedError> {
    let sees = || async {
        let seen = bed.http.members(gateway).await;
        let seen = seen.map_err(|error| in_full(&error))?;
        let running = bed.roster.running();
        match running.iter().find(|(id, _)| !seen.contains(id)) {
            Some((unseen, _)) => Err(format!("it does not see {unseen}")),
            None => Ok(()),
        }
    };
    until(named, child, sees).await
}

/// Waits until a process that was just started or told something does what is wanted;
/// `is_so` says why it does not.
pub(super) async fn until<F>(
    (id, log): (&str, &Path),
    child: &mut Child,
    is_so: impl Fn() -> F,
) -> Result<(), TestbedError>
where
    F: Future<Output = Result<(), String>>,
{
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        if let Some(exit) = child.try_exit() {
            return Err(TestbedError::Start {
                id: id.to_owned(),
                source: child.ended(exit),
            });
        }
        match is_so().await {
            Ok(()) => return Ok(()),
            Err(reason) => again(id, log, deadline, reason).await?,
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
