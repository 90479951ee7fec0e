//! Waits until nodes are ready and see each other.

use std::{net::SocketAddr, path::Path, time::Duration};

use highwater_process::{Child, log};
use tokio::time::{Instant, sleep};

use super::{TestbedError, cluster::ClusterInner, node::NodeProcess};
use crate::error_chain::error_chain;

/// How long a node may take to get ready, and the cluster to be complete.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// Pause between two questions.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until `/readyz` of a node that was just started says so.
pub(super) async fn wait_until_ready(
    cluster: &ClusterInner,
    node: &NodeProcess,
    child: &mut Child,
    address: SocketAddr,
) -> Result<(), TestbedError> {
    let scheme = cluster.http.scheme();
    wait_until_serving(cluster, (&node.id, &node.log), child, (scheme, address)).await
}

/// The same of any process that has such a path, by its name, its log, and what it
/// speaks where.
pub(super) async fn wait_until_serving(
    cluster: &ClusterInner,
    (id, log): (&str, &Path),
    child: &mut Child,
    (scheme, address): (&str, SocketAddr),
) -> Result<(), TestbedError> {
    let serves = || async {
        let ready = cluster.http.ready(scheme, address).await;
        ready.map_err(|error| error_chain(&error))
    };
    wait_until((id, log), child, serves).await
}

/// Waits until a gateway, by its name, its log and where it is asked, sees all nodes
/// that run.
pub(super) async fn wait_until_gateway_sees_nodes(
    cluster: &ClusterInner,
    named: (&str, &Path),
    child: &mut Child,
    gateway: SocketAddr,
) -> Result<(), TestbedError> {
    let sees = || async {
        let seen = cluster.http.visible_nodes(gateway).await;
        let seen = seen.map_err(|error| error_chain(&error))?;
        let running = cluster.registry.running();
        match running.iter().find(|(id, _)| !seen.contains(id)) {
            Some((unseen, _)) => Err(format!("it does not see {unseen}")),
            None => Ok(()),
        }
    };
    wait_until(named, child, sees).await
}

/// Waits until a process that was just started or told something does what is wanted;
/// `is_so` says why it does not.
pub(super) async fn wait_until<F>(
    (id, log): (&str, &Path),
    child: &mut Child,
    is_so: impl Fn() -> F,
) -> Result<(), TestbedError>
where
    F: Future<Output = Result<(), String>>,
{
    let deadline = Instant::now() + READY_TIMEOUT;
    loop {
        if let Some(exit) = child.try_exit() {
            return Err(TestbedError::Start {
                id: id.to_owned(),
                source: child.exited_error(exit),
            });
        }
        match is_so().await {
            Ok(()) => return Ok(()),
            Err(reason) => pause_or_time_out(id, log, deadline, reason).await?,
        }
    }
}

/// Waits until `node` and every other running node see each other.
pub(super) async fn wait_until_joined(
    cluster: &ClusterInner,
    node: &NodeProcess,
) -> Result<(), TestbedError> {
    // What the others see of each other is not this node's matter.
    let matters = |asked: &str, seen: &str| asked == node.id || seen == node.id;
    let deadline = Instant::now() + READY_TIMEOUT;
    while let Some(missing) = find_unseen_node(cluster, matters).await {
        pause_or_time_out(&node.id, &node.log, deadline, missing).await?;
    }
    Ok(())
}

/// Waits until all running nodes see each other.
pub(super) async fn wait_until_all_joined(cluster: &ClusterInner) -> Result<(), TestbedError> {
    let deadline = Instant::now() + READY_TIMEOUT;
    while let Some(missing) = find_unseen_node(cluster, |_, _| true).await {
        if Instant::now() >= deadline {
            return Err(TestbedError::NotAllJoined {
                waited: READY_TIMEOUT,
                missing,
            });
        }
        sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

/// Pauses, or gives up once the deadline has passed.
async fn pause_or_time_out(
    id: &str,
    log: &Path,
    deadline: Instant,
    reason: String,
) -> Result<(), TestbedError> {
    if Instant::now() < deadline {
        sleep(POLL_INTERVAL).await;
        return Ok(());
    }
    Err(TestbedError::NotReady {
        id: id.to_owned(),
        waited: READY_TIMEOUT,
        reason,
        log: log::tail(log),
    })
}

/// Who does not see whom, in words, of those pairs that matter; the nodes are
/// asked one after the other, and it is read anew each time who runs.
async fn find_unseen_node(
    cluster: &ClusterInner,
    matters: impl Fn(&str, &str) -> bool,
) -> Option<String> {
    let running = cluster.registry.running();
    for (asked, address) in &running {
        let seen = match cluster.http.visible_nodes(*address).await {
            Ok(seen) => seen,
            Err(error) => return Some(error_chain(&error)),
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
