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
use crate::sampling::SampleTarget;

/// The embedded broker.
#[derive(Debug)]
pub(in crate::testbed) struct EmbeddedBroker {
    /// The process of the broker.
    pub(in crate::testbed) process: ClusterProcess,
    address: SocketAddr,
    secret: ClusterSecret,
}

impl EmbeddedBroker {
    /// Starts the broker at a free port, which stays its port while it is down.
    pub(super) async fn start(launcher: &Launcher) -> Result<Self, TestbedError> {
        let process = ClusterProcess::new(BROKER_NAME, &launcher.log_dir);
        let secret = ClusterSecret::random();
        let start = |port| spawn(launcher, &process, &secret, port);
        let (child, address) = port::start_on_free_port(start).await?;
        process.set_running(&mut *process.child.lock().await, child, address);
        Ok(Self {
            process,
            address,
            secret,
        })
    }

    pub(super) fn join_args(&self) -> LaunchArgs {
        let mut args = LaunchArgs::new(["--backplane", &format!("local://{}", self.address)]);
        args.extend(self.secret.args());
        args
    }

    /// Returns the broker for the sampler. It has no endpoint, so the kernel's values are
    /// the only ones.
    pub(super) fn sample_target(&self) -> SampleTarget {
        let pid = self.process.status.lock().pid;
        SampleTarget::new(Source::new(SourceRole::Broker, BROKER_NAME), pid, None)
    }

    /// Starts the broker again. A broker that runs is ended in order first.
    pub(in crate::testbed) async fn restart(
        &self,
        launcher: &Launcher,
    ) -> Result<(), TestbedError> {
        let mut slot = self.process.child.lock().await;
        self.process.stop_child(&mut slot, STOP_TIMEOUT).await;
        // The same port, because nodes keep trying the address that they were started with.
        let port = self.address.port();
        launcher::wait_until_port_is_free(BROKER_NAME, port).await?;
        let (child, address) = spawn(launcher, &self.process, &self.secret, port).await?;
        self.process.set_running(&mut slot, child, address);
        Ok(())
    }
}

async fn spawn(
    launcher: &Launcher,
    process: &ClusterProcess,
    secret: &ClusterSecret,
    port: u16,
) -> Result<(Child, SocketAddr), TestbedError> {
    let launch = launcher.serve("broker", port, secret.args(), &process.log);
    launcher.spawn_listening(BROKER_NAME, launch).await
}
