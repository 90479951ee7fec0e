//! HAProxy: a configuration file and a master, which forks a worker for each configuration.
//!
//! The old worker keeps its sockets after a reload until their clients close them, and the
//! new worker counts from zero. A node that is added by a command does not restart counts.

mod config;
mod gauges;
mod master;

use std::{ffi::OsString, fs, net::SocketAddr, path::PathBuf, sync::Arc};

use futures_util::future::{BoxFuture, FutureExt};
use highwater_process::{Child, Launch, port, program::HAPROXY};
use highwater_scenarios::plan::{BalancerKind, BalancerPolicy};
use parking_lot::Mutex;

use self::{
    config::{HaproxyTemplate, balance_algorithm, commands},
    gauges::HaproxyGauges,
    master::MasterSocket,
};
use super::{
    super::{
        TestbedError,
        cluster_process::{ClusterProcess, running_child},
        context::ClusterContext,
        readiness,
    },
    backends::{BackendChange, BalancerBackend},
    capacity::BalancerCapacity,
    driver::{Balancer, BalancerDriver, BalancerOptions, check_configuration, find_program},
};
use crate::sampling::GaugeSource;

/// The declaration of HAProxy.
pub(super) const DRIVER: BalancerDriver = BalancerDriver {
    kind: BalancerKind::Haproxy,
    program: Some(HAPROXY),
    bytes_per_socket: 4_800,
    create: |id, options| Ok(Box::new(HaproxyBalancer::new(id, options)?)),
    parse_gauges: |text| Some(gauges::parse(text)),
};

/// The beginning of the answer to a reload that ended without a new worker.
const RELOAD_FAILED: &str = "Success=0";

/// The answer to a command that added a server. Other commands succeed without an answer.
const SERVER_ADDED: &str = "New server registered.";

/// An HAProxy.
#[derive(Debug)]
struct HaproxyBalancer {
    process: ClusterProcess,
    program: PathBuf,
    folder: PathBuf,
    master: MasterSocket,
    policy: BalancerPolicy,
    capacity: BalancerCapacity,
    /// The configuration in full, and the commands since.
    active: Mutex<Option<String>>,
}

impl Balancer for HaproxyBalancer {
    fn process(&self) -> &ClusterProcess {
        &self.process
    }

    fn start<'b>(
        &'b self,
        context: &'b ClusterContext,
        backends: &'b [BalancerBackend],
    ) -> BoxFuture<'b, Result<(), TestbedError>> {
        async {
            let start = |port| self.start_on(context, backends, port);
            let (child, listen) = port::start_on_free_port(start).await?;
            let mut slot = self.process.lock().await;
            self.process.set_running(&mut slot, child, listen);
            Ok(())
        }
        .boxed()
    }

    fn reload<'b>(
        &'b self,
        context: &'b ClusterContext,
        backends: &'b [BalancerBackend],
    ) -> BoxFuture<'b, Result<String, TestbedError>> {
        self.reload_and_wait(context, backends).boxed()
    }

    fn reconfigure<'b>(
        &'b self,
        change: &'b BackendChange,
    ) -> BoxFuture<'b, Result<String, TestbedError>> {
        self.send_commands(change).boxed()
    }

    fn configuration(&self) -> Option<String> {
        self.active.lock().clone()
    }

    fn gauge_source(&self) -> Option<Arc<dyn GaugeSource>> {
        Some(Arc::new(HaproxyGauges::new(self.master.path())))
    }
}

impl HaproxyBalancer {
    fn new(id: &str, options: BalancerOptions<'_>) -> Result<Self, TestbedError> {
        let folder = options.create_folder(id)?;
        Ok(Self {
            process: ClusterProcess::new(id, options.log_dir),
            program: find_program(HAPROXY)?,
            master: MasterSocket::new(id, folder.join("master.sock")),
            folder,
            policy: options.policy,
            capacity: options.capacity,
            active: Mutex::default(),
        })
    }

    /// Replaces the configuration. A configuration that HAProxy rejects is not activated:
    /// its master would continue with the old worker.
    async fn reload_and_wait(
        &self,
        context: &ClusterContext,
        backends: &[BalancerBackend],
    ) -> Result<String, TestbedError> {
        let mut slot = self.process.lock().await;
        let id = &self.process.id;
        let child = running_child(&mut slot, id)?;
        let not_running = || TestbedError::NotRunning { id: id.clone() };
        let listen = self.process.address().ok_or_else(not_running)?;
        // Read before the reload, to tell the new worker from it.
        let before = self.master.current_worker().await?;
        let text = self.write(context, backends, listen)?;
        self.check().await?;
        let answer = self.master.command("reload").await?;
        // Since HAProxy 2.7 the master answers when the new worker is there; older versions
        // answer nothing.
        if answer.starts_with(RELOAD_FAILED) {
            return Err(self.master.rejected("reload", &answer));
        }
        self.wait_until_active(child, Some(before)).await?;
        *self.active.lock() = Some(text.clone());
        Ok(text)
    }

    async fn send_commands(&self, change: &BackendChange) -> Result<String, TestbedError> {
        // The lock keeps a reload from replacing the worker between two commands.
        let _slot = self.process.lock().await;
        let worker = self.master.current_worker().await?;
        let commands = commands(change);
        for command in &commands {
            let answer = self
                .master
                .command(&format!("@!{worker} {command}"))
                .await?;
            let answer = answer.trim();
            if !answer.is_empty() && answer != SERVER_ADDED {
                return Err(self.master.rejected(command, answer));
            }
        }
        if let Some(active) = self.active.lock().as_mut() {
            let lines = commands.iter();
            active.extend(lines.map(|command| format!("# at run time: {command}\n")));
        }
        Ok(commands.join("\n"))
    }

    async fn start_on(
        &self,
        context: &ClusterContext,
        backends: &[BalancerBackend],
        port: u16,
    ) -> Result<(Child, SocketAddr), TestbedError> {
        let listen = SocketAddr::from(([127, 0, 0, 1], port));
        let text = self.write(context, backends, listen)?;
        let launched = context.launcher.spawn(&self.process.id, self.launch());
        let mut child = launched.await?;
        self.wait_until_active(&mut child, None).await?;
        *self.active.lock() = Some(text);
        Ok((child, listen))
    }

    /// Returns the launch of a master in the foreground, with a socket for its owner alone.
    fn launch(&self) -> Launch {
        let mut master = self.master.path().as_os_str().to_owned();
        master.push(",mode,600");
        let arguments: [OsString; 5] = [
            // Master-worker mode, and the master's command socket.
            "-W".into(),
            "-S".into(),
            master,
            "-f".into(),
            self.config_path().into_os_string(),
        ];
        Launch::new(&self.program, arguments, self.process.log()).with_children()
    }

    async fn check(&self) -> Result<(), TestbedError> {
        let arguments: [OsString; 3] = [
            "-c".into(),
            "-f".into(),
            self.config_path().into_os_string(),
        ];
        check_configuration(&self.process, HAPROXY, &self.program, arguments).await
    }

    fn config_path(&self) -> PathBuf {
        self.folder.join("haproxy.cfg")
    }

    fn write(
        &self,
        context: &ClusterContext,
        backends: &[BalancerBackend],
        listen: SocketAddr,
    ) -> Result<String, TestbedError> {
        let tls = context.credentials.balancer_pem_path();
        let text = HaproxyTemplate {
            connections: self.capacity.connections,
            folder: &self.folder,
            listen: listen.to_string(),
            tls: tls.as_deref(),
            method: balance_algorithm(self.policy),
            servers: backends,
            ..HaproxyTemplate::default()
        }
        .render()?;
        let path = self.config_path();
        fs::write(&path, &text).map_err(|source| TestbedError::BalancerFile { path, source })?;
        Ok(text)
    }

    /// Waits until a worker other than `before` answers. The master alone says nothing: it
    /// lists a new worker before that accepts sockets.
    async fn wait_until_active(
        &self,
        child: &mut Child,
        before: Option<u32>,
    ) -> Result<(), TestbedError> {
        let poll = || async {
            let worker = self.master.current_worker().await;
            let worker = worker.map_err(|error| error.to_string())?;
            // The master answers `show proc` before it has replaced the worker.
            if before == Some(worker) {
                return Err("the old worker still serves".to_owned());
            }
            let answer = self.master.command(&format!("@!{worker} show info")).await;
            match answer.map_err(|error| error.to_string())?.contains("Pid:") {
                true => Ok(()),
                false => Err(format!("worker {worker} does not answer")),
            }
        };
        readiness::wait_until((&self.process).into(), child, poll).await
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[tokio::test]
    async fn haproxy_accepts_the_rendered_configuration_and_rejects_a_broken_one() {
        let folder = tempfile::tempdir().unwrap();
        let options = BalancerOptions {
            log_dir: folder.path(),
            folder: folder.path(),
            policy: BalancerPolicy::LeastConn,
            capacity: BalancerCapacity { connections: 100 },
        };
        let haproxy = HaproxyBalancer::new("b1", options).expect("HAProxy is installed");
        for policy in BalancerPolicy::VARIANTS {
            let text = config::tests::render(&haproxy.folder, *policy);
            fs::write(haproxy.config_path(), text).unwrap();
            haproxy.check().await.unwrap();
        }
        let text = config::tests::render(&haproxy.folder, BalancerPolicy::LeastConn);
        fs::write(haproxy.config_path(), text.replace("leastconn", "fewest")).unwrap();
        let error = haproxy.check().await.unwrap_err().to_string();
        assert!(
            error.starts_with("cannot configure b1: haproxy rejects the configuration: ")
                && error.contains("balance only supports"),
            "{error}"
        );
    }
}
