//! Starts a node's process.

use std::net::SocketAddr;

use highwater_process::{Child, Launch, port};
use highwater_scenarios::plan::BalancerLoadMetric;

use super::{
    TestbedError, context::ClusterContext, launch_args::LaunchArgs, launcher, node::NodeProcess,
};

/// Starts the node's process into `slot`, the empty lock of the node. It listens at
/// `address`, or at a free port without one.
pub(super) async fn start(
    context: &ClusterContext,
    node: &NodeProcess,
    slot: &mut Option<Child>,
    address: Option<SocketAddr>,
) -> Result<SocketAddr, TestbedError> {
    let (child, address) = match address {
        Some(address) => start_at(context, node, address).await?,
        None => port::start_on_free_port(|port| start_on(context, node, port)).await?,
    };
    context
        .registry
        .mark_started(&node.id, address, child.pid());
    *slot = Some(child);
    Ok(address)
}

async fn start_at(
    context: &ClusterContext,
    node: &NodeProcess,
    address: SocketAddr,
) -> Result<(Child, SocketAddr), TestbedError> {
    launcher::wait_until_port_is_free(&node.id, address.port()).await?;
    start_on(context, node, address.port()).await
}

async fn start_on(
    context: &ClusterContext,
    node: &NodeProcess,
    port: u16,
) -> Result<(Child, SocketAddr), TestbedError> {
    let launch = launch(context, node, SocketAddr::from(([127, 0, 0, 1], port)));
    context.launcher.spawn_listening(&node.id, launch).await
}

fn launch(context: &ClusterContext, node: &NodeProcess, listen: SocketAddr) -> Launch {
    let settings = context.settings;
    // Every node accepts faults, because a scenario may send one to any node.
    let mut args = LaunchArgs::new(["--id", &node.id, "--allow-faults"]);
    args.push_option("--routing", <&str>::from(settings.routing));
    // The number of sockets is known to a gateway without a report.
    if settings.load_metric == BalancerLoadMetric::Heap {
        args.push_option("--load-source", "heap");
    }
    if let Some(age) = settings.max_age {
        args.push_option("--max-age", format!("{}ms", age.as_millis()));
    }
    args.extend(context.backplane.join_args());
    args.extend(context.credentials.node_args());
    context.launcher.serve("node", listen, args, &node.log)
}
