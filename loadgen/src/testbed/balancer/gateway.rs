//! The gateway of this project: it learns of the nodes from the backplane, so nobody
//! tells it anything.

use std::{ffi::OsString, net::SocketAddr};

use highwater_process::{Child, Launch, port};
use highwater_scenarios::plan::{BalancerLoadMetric, BalancerPolicy};
use parking_lot::{Mutex, MutexGuard};

use super::{
    super::{TestbedError, cluster::ClusterInner, readiness, startup},
    any_balancer::BalancerOptions,
    process::BalancerProcess,
};
use crate::sampling::BalancerEndpoint;

/// A gateway.
#[derive(Debug)]
pub(super) struct GatewayBalancer {
    pub(super) process: BalancerProcess,
    policy: BalancerPolicy,
    started: Mutex<Option<StartedGateway>>,
}

/// How it was started.
#[derive(Debug, Clone)]
struct StartedGateway {
    /// Where it tells of itself.
    admin: SocketAddr,
    /// Its command line.
    command: String,
}

impl GatewayBalancer {
    pub(super) fn new(id: &str, common: BalancerOptions<'_>) -> Self {
        Self {
            process: BalancerProcess::new(id, common.log_dir),
            policy: common.policy,
            started: Mutex::default(),
        }
    }

    /// Starts it; over when it sees all nodes.
    pub(super) async fn start(&self, cluster: &ClusterInner) -> Result<(), TestbedError> {
        let start = |ports| self.start_on(cluster, ports);
        let (mut child, listen, admin) = port::start_on_free_ports(start).await?;
        let (id, log) = self.process.id_and_log();
        readiness::wait_until_serving(cluster, (id, log), &mut child, ("http", admin)).await?;
        readiness::wait_until_gateway_sees_nodes(cluster, (id, log), &mut child, admin).await?;
        self.process.set_running(child, listen).await;
        Ok(())
    }

    /// Its command line, which is all of its configuration.
    pub(super) fn configuration(&self) -> Option<String> {
        let started = self.started();
        started.as_ref().map(|started| started.command.clone())
    }

    pub(super) fn endpoint(&self) -> Option<BalancerEndpoint> {
        let started = self.started();
        let metrics = |started: &StartedGateway| format!("http://{}/metrics", started.admin);
        started.as_ref().map(metrics).map(BalancerEndpoint::Gateway)
    }

    /// It takes no such thing.
    pub(super) fn unsupported_change(&self, of: &'static str) -> TestbedError {
        TestbedError::ChangeRejected {
            id: self.process.id.clone(),
            command: of.to_owned(),
            response: "a gateway learns of nodes by itself".to_owned(),
        }
    }

    async fn start_on(
        &self,
        cluster: &ClusterInner,
        [port, admin]: [u16; 2],
    ) -> Result<(Child, SocketAddr, SocketAddr), TestbedError> {
        let admin = SocketAddr::from(([127, 0, 0, 1], admin));
        let launch = self.launch(cluster, port, admin);
        *self.started() = Some(StartedGateway {
            admin,
            command: command_line(&launch),
        });
        let (child, listen) = startup::start(&cluster.spawner, &self.process.id, launch).await?;
        Ok((child, listen, admin))
    }

    fn launch(&self, cluster: &ClusterInner, port: u16, admin: SocketAddr) -> Launch {
        let mut arguments: Vec<OsString> = vec![
            "serve".into(),
            "gateway".into(),
            "--listen".into(),
            format!("127.0.0.1:{port}").into(),
            "--admin-listen".into(),
            admin.to_string().into(),
            "--id".into(),
            (&self.process.id).into(),
            "--policy".into(),
            policy_name(self.policy).into(),
        ];
        if cluster.load_metric != BalancerLoadMetric::Sockets {
            arguments.extend(["--load".into(), "custom".into()]);
        }
        let (joined, env) = cluster.backplane.join_args();
        arguments.extend(joined);
        arguments.extend(cluster.credentials.gateway_args());
        let launch = Launch::new(&cluster.exe, arguments, self.process.log());
        env.into_iter()
            .fold(launch, |launch, (name, value)| launch.with_env(name, value))
    }

    /// Nothing can fail while it is locked.
    fn started(&self) -> MutexGuard<'_, Option<StartedGateway>> {
        self.started.lock()
    }
}

/// What a person would type; secrets are in the environment.
fn command_line(launch: &Launch) -> String {
    let mut words = vec!["highwater".to_owned()];
    let arguments = launch.args.iter();
    words.extend(arguments.map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}

fn policy_name(policy: BalancerPolicy) -> &'static str {
    match policy {
        BalancerPolicy::RoundRobin => "round-robin",
        BalancerPolicy::LeastConn => "least-conn",
        BalancerPolicy::P2c => "p2c",
        BalancerPolicy::Random => "random",
    }
}
