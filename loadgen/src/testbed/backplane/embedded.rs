//! The embedded broker: a process that starts again at its old address.

use std::net::SocketAddr;

use highwater_process::{Child, port};
use highwater_reports::record::{Source, SourceRole};
use highwater_scenarios::plan::BROKER_NAME;

use super::super::{
    TestbedError,
    cluster_process::{ClusterProcess, STOP_TIMEOUT},
    credentials::ClusterSecret,
    launcher::{self, LaunchArgs, Launcher},
};
use crate::sampling::{SampleEndpoint, SampleTarget};

/// The embedded broker.
#[derive(Debug)]
pub(in crate::testbed) struct EmbeddedBroker {
    /// The process of the broker.
    pub(in crate::testbed) process: ClusterProcess,
    address: SocketAddr,
    /// The port of its metrics, which nodes do not need.
    admin_port: u16,
    secret: ClusterSecret,
}

impl EmbeddedBroker {
    /// Starts the broker at free ports, which stay its ports while it is down.
    pub(super) async fn start(launcher: &Launcher) -> Result<Self, TestbedError> {
        let process = ClusterProcess::new(BROKER_NAME, &launcher.log_dir);
        let secret = ClusterSecret::random();
        let start = async |ports: [u16; 2]| -> Result<_, TestbedError> {
            let (child, address) = spawn(launcher, &process, &secret, ports).await?;
            Ok((child, address, ports[1]))
        };
        let (child, address, admin_port) = port::start_on_free_ports(start).await?;
        process.set_running(&mut *process.child.lock().await, child, address);
        Ok(Self {
            process,
            address,
            admin_port,
            secret,
        })
    }

    pub(super) fn join_args(&self) -> LaunchArgs {
        let mut args = LaunchArgs::new(["--backplane", &format!("local://{}", self.address)]);
        args.extend(self.secret.args());
        args
    }

    /// Returns the broker for the sampler.
    pub(super) fn sample_target(&self) -> SampleTarget {
        let pid = self.process.status.lock().pid;
        let url = format!("http://127.0.0.1:{}/metrics", self.admin_port);
        SampleTarget::new(
            Source::new(SourceRole::Broker, BROKER_NAME),
            pid,
            Some(SampleEndpoint::prometheus(url)),
        )
    }

    /// Starts the broker again. A broker that runs is ended in order first.
    pub(in crate::testbed) async fn restart(
        &self,
        launcher: &Launcher,
    ) -> Result<(), TestbedError> {
        let mut slot = self.process.child.lock().await;
        self.process.stop_child(&mut slot, STOP_TIMEOUT).await;
        // The same ports: nodes keep trying the address that they were started with, and the
        // sampler that of the metrics.
        let ports = [self.address.port(), self.admin_port];
        for port in ports {
            launcher::wait_until_port_is_free(BROKER_NAME, port).await?;
        }
        let (child, address) = spawn(launcher, &self.process, &self.secret, ports).await?;
        self.process.set_running(&mut slot, child, address);
        Ok(())
    }
}

async fn spawn(
    launcher: &Launcher,
    process: &ClusterProcess,
    secret: &ClusterSecret,
    [port, admin_port]: [u16; 2],
) -> Result<(Child, SocketAddr), TestbedError> {
    let mut args = LaunchArgs::new(["--admin-listen", &format!("127.0.0.1:{admin_port}")]);
    args.extend(secret.args());
    let launch = launcher.serve("broker", port, args, &process.log);
    let launcher = launcher.at_full_priority();
    launcher.spawn_listening(BROKER_NAME, launch).await
}
