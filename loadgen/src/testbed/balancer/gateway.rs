//! The gateway of this project. It discovers the nodes through the backplane, so it needs no
//! reload and no commands.

mod gauges;

use std::{net::SocketAddr, sync::Arc};

use futures_util::future::{BoxFuture, FutureExt};
use highwater_process::{Child, Launch, port};
use highwater_scenarios::plan::{BalancerKind, BalancerLoadMetric, BalancerPolicy};
use parking_lot::Mutex;

use super::{
    super::{
        TestbedError, cluster_process::ClusterProcess, context::ClusterContext,
        launcher::LaunchArgs, readiness,
    },
    backends::BalancerBackend,
    driver::{Balancer, BalancerDriver},
};
use crate::sampling::{GaugeSource, gauges::HttpGauges};

/// The declaration of the gateway.
pub(super) const DRIVER: BalancerDriver = BalancerDriver {
    kind: BalancerKind::Gateway,
    program: None,
    bytes_per_socket: 1_100,
    create: |id, options| {
        Ok(Box::new(GatewayBalancer {
            process: ClusterProcess::new(id, options.log_dir),
            policy: options.policy,
            started: Mutex::default(),
        }))
    },
    parse_gauges: |text| Some(gauges::parse(text)),
};

/// A gateway.
#[derive(Debug)]
struct GatewayBalancer {
    process: ClusterProcess,
    policy: BalancerPolicy,
    started: Mutex<Option<StartedGateway>>,
}

/// The addresses and the command line of a gateway that has started.
#[derive(Debug, Clone)]
struct StartedGateway {
    /// The address of the admin listener.
    admin: SocketAddr,
    /// The command line.
    command: String,
}

impl Balancer for GatewayBalancer {
    fn process(&self) -> &ClusterProcess {
        &self.process
    }

    fn start<'b>(
        &'b self,
        context: &'b ClusterContext,
        _backends: &'b [BalancerBackend],
    ) -> BoxFuture<'b, Result<(Child, SocketAddr), TestbedError>> {
        self.start_and_wait(context).boxed()
    }

    /// Returns the command line, which is all of a gateway's configuration.
    fn configuration(&self) -> Option<String> {
        let started = self.started.lock();
        started.as_ref().map(|started| started.command.clone())
    }

    fn gauge_source(&self) -> Option<Arc<dyn GaugeSource>> {
        let admin = self.started.lock().as_ref()?.admin;
        Some(Arc::new(HttpGauges {
            url: format!("http://{admin}/metrics"),
            parse: DRIVER.parse_gauges,
            has_children: false,
        }))
    }
}

impl GatewayBalancer {
    async fn start_and_wait(
        &self,
        context: &ClusterContext,
    ) -> Result<(Child, SocketAddr), TestbedError> {
        // Two ports: the admin listener answers also when the client listener is at its limit.
        let start = |ports| self.start_on(context, ports);
        let (mut child, listen, admin) = port::start_on_free_ports(start).await?;
        let process = &self.process;
        readiness::wait_until_serving(context, process, &mut child, "http", admin).await?;
        // Ready means connected to the backplane; the list of nodes comes a moment later.
        readiness::wait_until_gateway_sees_nodes(context, process, &mut child, admin).await?;
        Ok((child, listen))
    }

    async fn start_on(
        &self,
        context: &ClusterContext,
        [port, admin]: [u16; 2],
    ) -> Result<(Child, SocketAddr, SocketAddr), TestbedError> {
        let admin = SocketAddr::from(([127, 0, 0, 1], admin));
        let mut args = LaunchArgs::new(["--admin-listen", &admin.to_string()]);
        args.push_option("--id", &self.process.id);
        args.push_option("--policy", <&str>::from(self.policy));
        // A gateway counts sockets itself; only another load comes from the nodes' reports.
        if context.spec.load_metric != BalancerLoadMetric::Sockets {
            args.push_option("--load", "custom");
        }
        args.extend(context.brokers.gateway_args());
        args.extend(context.credentials.gateway_args());
        let log = &self.process.log;
        let launch = context.launcher.serve("gateway", port, args, log);
        // Recorded at each attempt, so that it holds the ports of the last one.
        *self.started.lock() = Some(StartedGateway {
            admin,
            command: command_line(&launch),
        });
        let launched = context.launcher.spawn_listening(&self.process.id, launch);
        let (child, listen) = launched.await?;
        Ok((child, listen, admin))
    }
}

/// Returns the command line as a person would type it. Secrets are in the environment, so
/// the record may hold it.
fn command_line(launch: &Launch) -> String {
    let mut words = vec!["highwater".to_owned()];
    let arguments = launch.args.iter();
    words.extend(arguments.map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}
