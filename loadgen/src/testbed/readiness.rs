//! Waits until a process serves, and until nodes see each other.

use std::{net::SocketAddr, time::Duration};

use highwater_process::{Child, log};
use tokio::time::{Instant, sleep};

use super::{TestbedError, cluster_process::ClusterProcess, context::ClusterContext};
use crate::error_chain::error_chain;

/// The longest time until a process is ready, and until the nodes are joined.
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

/// Waits until a gateway sees all nodes that run. `admin` is its admin address.
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

/// Polls until `poll` succeeds. Fails as soon as the child ends, or with the last reason of
/// `poll` after 30 seconds.
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
        // First the child: the error of a dead process says more than its refused port.
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
    // Pairs without this node are left out: another event may be working on them.
    let matters = |observer: &str, seen: &str| observer == node.id || seen == node.id;
    let joined = poll_until_joined(context, matters).await;
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

/// Polls until all pairs of nodes that matter see each other. Fails with such a pair after
/// 30 seconds.
async fn poll_until_joined(
    context: &ClusterContext,
    matters: impl Fn(&str, &str) -> bool,
) -> Result<(), String> {
    let deadline = Instant::now() + READY_TIMEOUT;
    while let Some(missing) = find_unseen_node(context, &matters).await {
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

/// Returns a pair of nodes that matters and does not see each other, in words; `None` if
/// there is no such pair.
async fn find_unseen_node(
    context: &ClusterContext,
    matters: impl Fn(&str, &str) -> bool,
) -> Option<String> {
    // Read at each poll: nodes start and end while this one is waited for.
    let running = context.registry.running();
    // One node after the other, because the first that is not joined ends the poll.
    for (observer, address) in &running {
        let visible = match context.client.visible_nodes(*address).await {
            Ok(visible) => visible,
            Err(error) => return Some(error_chain(&error)),
        };
        let unseen = running
            .iter()
            .map(|(id, _)| id)
            .filter(|id| matters(observer, id))
            .find(|id| !visible.contains(*id));
        if let Some(unseen) = unseen {
            return Some(format!("{observer} does not see {unseen}"));
        }
    }
    None
}
