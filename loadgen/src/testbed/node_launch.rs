//! Starts a node's process.

use std::net::SocketAddr;

use highwater_process::{Child, port};
use highwater_scenarios::plan::BalancerLoadMetric;

use super::{
    TestbedError,
    cluster_process::ClusterProcess,
    context::ClusterContext,
    launcher::{self, LaunchArgs},
};

/// Starts the node's process and stores it in `slot`, the empty content of the node's child lock.
///
/// The node listens at `address`; if that is `None`, at a free port.
pub(super) async fn start(
    context: &ClusterContext,
    node: &ClusterProcess,
    slot: &mut Option<Child>,
    address: Option<SocketAddr>,
) -> Result<SocketAddr, TestbedError> {
    let (child, address) = match address.map(|address| address.port()) {
        Some(port) => {
            launcher::wait_until_port_is_free(&node.id, port).await?;
            start_on(context, node, port).await?
        }
        None => port::start_on_free_port(|port| start_on(context, node, port)).await?,
    };
    // Sets the address before the state: readers of the registry expect one of each running
    // node.
    node.set_running(slot, child, address);
    context.registry.mark_started(&node.id);
    Ok(address)
}

async fn start_on(
    context: &ClusterContext,
    node: &ClusterProcess,
    port: u16,
) -> Result<(Child, SocketAddr), TestbedError> {
    let spec = &context.spec;
    // Every node accepts faults, because a scenario may send one to any node.
    let mut args = LaunchArgs::new(["--id", &node.id, "--allow-faults"]);
    args.push_option("--routing", <&str>::from(spec.routing));
    // The other metric needs no option: a node always reports its number of sockets.
    if spec.load_metric == BalancerLoadMetric::Heap {
        args.push_option("--load-source", "heap");
    }
    if let Some(age) = spec.max_age {
        args.push_option("--max-age", format!("{}ms", age.as_millis()));
    }
    args.extend(context.brokers.node_args());
    args.extend(context.credentials.node_args());
    let launch = context.launcher.serve("node", port, args, &node.log);
    let launch = launch.with_threads_among(spec.nodes as usize);
    context.launcher.spawn_listening(&node.id, launch).await
}
