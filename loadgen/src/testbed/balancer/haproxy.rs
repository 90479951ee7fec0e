//! HAProxy: a configuration file and a master, which forks a worker for each configuration.
//!
//! The old worker keeps its sockets after a reload until their clients close them, and the
//! new worker counts from zero. A node that is added by a command does not restart counts.

mod config;
mod gauges;
mod master;

use std::{ffi::OsString, net::SocketAddr, sync::Arc};

use futures_util::future::{BoxFuture, FutureExt};
use highwater_process::{Child, port, program::HAPROXY};
use highwater_scenarios::plan::BalancerKind;
use parking_lot::Mutex;

use self::{
    config::{BACKEND, HEALTH_CHECK, HaproxyTemplate, balance_algorithm, commands},
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
    driver::{Balancer, BalancerDriver, BalancerOptions},
    program::BalancerProgram,
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
    program: BalancerProgram,
    master: MasterSocket,
    /// The configuration in full, and the commands since.
    active: Mutex<Option<String>>,
}

impl Balancer for HaproxyBalancer {
    fn process(&self) -> &ClusterProcess {
        &self.program.process
    }

    fn start<'b>(
        &'b self,
        context: &'b ClusterContext,
        backends: &'b [BalancerBackend],
    ) -> BoxFuture<'b, Result<(Child, SocketAddr), TestbedError>> {
        port::start_on_free_port(|port| self.start_on(context, backends, port)).boxed()
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
        let master = self.master.path.clone();
        Some(Arc::new(HaproxyGauges { master }))
    }
}

impl HaproxyBalancer {
    fn new(id: &str, options: BalancerOptions<'_>) -> Result<Self, TestbedError> {
        let program = BalancerProgram::new(HAPROXY, id, options, "haproxy.cfg")?;
        Ok(Self {
            master: MasterSocket {
                id: id.to_owned(),
                path: program.folder.join("master.sock"),
            },
            program,
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
        let mut slot = self.process().child.lock().await;
        let child = running_child(&mut slot, &self.process().id)?;
        let listen = self.process().address()?;
        // Read before the reload, to tell the new worker from it.
        let before = self.master.current_worker().await?;
        let text = self.write(context, backends, listen)?;
        self.program.check(self.check_arguments()).await?;
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
        let _slot = self.process().child.lock().await;
        let worker = self.master.current_worker().await?;
        let commands = commands(change);
        for command in &commands {
            let to_worker = format!("@!{worker} {command}");
            let answer = self.master.command(&to_worker).await?;
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
        let launch = self.program.launch(self.master_arguments());
        let mut child = context.launcher.spawn(&self.process().id, launch).await?;
        self.wait_until_active(&mut child, None).await?;
        *self.active.lock() = Some(text);
        Ok((child, listen))
    }

    /// Returns the arguments of a master in the foreground, with a socket for its owner alone.
    fn master_arguments(&self) -> [OsString; 5] {
        let mut master = self.master.path.clone().into_os_string();
        master.push(",mode,600");
        // Master-worker mode, and the master's command socket.
        let config = self.program.config_path.clone().into();
        ["-W".into(), "-S".into(), master, "-f".into(), config]
    }

    fn check_arguments(&self) -> [OsString; 3] {
        let config = self.program.config_path.clone().into();
        ["-c".into(), "-f".into(), config]
    }

    fn write(
        &self,
        context: &ClusterContext,
        backends: &[BalancerBackend],
        listen: SocketAddr,
    ) -> Result<String, TestbedError> {
        let tls = context.credentials.balancer_pem_path();
        let text = HaproxyTemplate {
            connections: self.program.capacity.connections,
            folder: &self.program.folder,
            listen: listen.to_string(),
            tls: tls.as_deref(),
            backend: BACKEND,
            method: balance_algorithm(self.program.policy),
            check: HEALTH_CHECK,
            servers: backends,
        }
        .render()?;
        self.program.write(&text)?;
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
        readiness::wait_until(self.process(), child, poll).await
    }
}

#[cfg(test)]
mod tests {
    use super::{super::program::tests, *};

    #[tokio::test]
    async fn haproxy_accepts_the_rendered_configuration_and_rejects_a_broken_one() {
        let folder = tempfile::tempdir().unwrap();
        let haproxy = HaproxyBalancer::new("b1", tests::options(folder.path()));
        let haproxy = haproxy.expect("HAProxy is installed");
        let (arguments, render) = (haproxy.check_arguments(), config::tests::render);
        let error = tests::rejection(&haproxy.program, render, &arguments, "leastconn").await;
        assert!(
            error.starts_with("cannot configure b1: haproxy rejects the configuration: ")
                && error.contains("balance only supports"),
            "{error}"
        );
    }
}
