//! Waits until a process answers requests, and until the nodes see each other.
//!
//! A node sees another one when the other is in its view.

use std::{net::SocketAddr, time::Duration};

use highwater_process::{Child, log};
use tokio::time::{Instant, sleep};

use super::{TestbedError, cluster_process::ClusterProcess, context::ClusterContext};
use crate::error_chain::error_chain;

/// The longest time until a process is ready, and also until all nodes see each other.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// The time between two polls.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Waits until `GET /readyz` of a process succeeds.
pub(super) async fn wait_until_serving(
    context: &ClusterContext,
    process: &ClusterProcess,
    child: &mut Child,
    scheme: &str,
    address: SocketAddr,
) -> Result<(), TestbedError> {
    let poll = || async {
        let ready = context.client.ready(scheme, address).await;
        ready.map_err(|error| error_chain(&error))
    };
    wait_until(process, child, poll).await
}

/// Waits until a gateway sees all running nodes. `admin` is its admin address.
pub(super) async fn wait_until_gateway_sees_nodes(
    context: &ClusterContext,
    process: &ClusterProcess,
    child: &mut Child,
    admin: SocketAddr,
) -> Result<(), TestbedError> {
    let poll = || async {
        let visible = context.client.visible_nodes(admin).await;
        let visible = visible.map_err(|error| error_chain(&error))?;
        let running = context.registry.running();
        match running.iter().find(|(id, _)| !visible.contains(id)) {
            Some((unseen, _)) => Err(format!("it does not see {unseen}")),
            None => Ok(()),
        }
    };
    wait_until(process, child, poll).await
}

/// Polls until `poll` succeeds. Fails as soon as the child ends. After [`READY_TIMEOUT`] it
/// fails with the last error of `poll`.
pub(super) async fn wait_until<F>(
    process: &ClusterProcess,
    child: &mut Child,
    poll: impl Fn() -> F,
) -> Result<(), TestbedError>
where
    F: Future<Output = Result<(), String>>,
{
    let deadline = Instant::now() + READY_TIMEOUT;
    loop {
        // The child is checked first: its exit explains more than a refused connection does.
        if let Some(exit) = child.try_exit() {
            return Err(TestbedError::Start {
                id: process.id.clone(),
                source: child.exited_error(exit),
            });
        }
        let Err(reason) = poll().await else {
            return Ok(());
        };
        if Instant::now() >= deadline {
            return Err(not_ready(process, reason));
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// Waits until `node` and every other running node see each other.
pub(super) async fn wait_until_joined(
    context: &ClusterContext,
    node: &ClusterProcess,
) -> Result<(), TestbedError> {
    // Other pairs do not count: another event may be starting or ending their nodes.
    let counts = |observer: &str, seen: &str| observer == node.id || seen == node.id;
    let joined = poll_until_joined(context, counts).await;
    joined.map_err(|missing| not_ready(node, missing))
}

/// Waits until all running nodes see each other.
pub(super) async fn wait_until_all_joined(context: &ClusterContext) -> Result<(), TestbedError> {
    let joined = poll_until_joined(context, |_, _| true).await;
    joined.map_err(|missing| TestbedError::NotAllJoined {
        waited: READY_TIMEOUT,
        missing,
    })
}

/// Polls until, in every pair for which `counts` holds, the first node sees the second one.
/// After [`READY_TIMEOUT`] it fails with the text of [`find_unseen_node`].
async fn poll_until_joined(
    context: &ClusterContext,
    counts: impl Fn(&str, &str) -> bool,
) -> Result<(), String> {
    let deadline = Instant::now() + READY_TIMEOUT;
    while let Some(missing) = find_unseen_node(context, &counts).await {
        if Instant::now() >= deadline {
            return Err(missing);
        }
        sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

fn not_ready(process: &ClusterProcess, reason: String) -> TestbedError {
    TestbedError::NotReady {
        id: process.id.clone(),
        waited: READY_TIMEOUT,
        reason,
        log: log::tail(&process.log),
    }
}

/// Returns a text that names a pair for which `counts` holds and whose first node does not see
/// the second. The text is an error if a node does not answer. `None` if there is no such pair.
async fn find_unseen_node(
    context: &ClusterContext,
    counts: impl Fn(&str, &str) -> bool,
) -> Option<String> {
    // Read at each poll, because nodes start and end during the wait.
    let running = context.registry.running();
    // One request after the other, because the first unseen node ends the poll.
    for (observer, address) in &running {
        let visible = match context.client.visible_nodes(*address).await {
            Ok(visible) => visible,
            Err(error) => return Some(error_chain(&error)),
        };
        let unseen = running
            .iter()
            .map(|(id, _)| id)
            .filter(|id| counts(observer, id))
            .find(|id| !visible.contains(*id));
        if let Some(unseen) = unseen {
            return Some(format!("{observer} does not see {unseen}"));
        }
    }
    None
}
