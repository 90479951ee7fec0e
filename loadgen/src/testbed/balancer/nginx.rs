//! nginx: a configuration file, and SIGHUP for a new one.
//!
//! The old worker keeps its sockets after a reload until their clients close them, and the
//! new worker counts from zero: the shared counts of an upstream start anew with each
//! configuration (`ngx_http_upstream_zone_module.c`, `noreuse`).

mod config;
mod gauges;

use std::{ffi::OsString, net::SocketAddr, sync::Arc};

use futures_util::future::{BoxFuture, FutureExt};
use highwater_process::{Child, Signal, port, program::NGINX};
use highwater_scenarios::plan::BalancerKind;
use nix::unistd::geteuid;
use parking_lot::Mutex;

use self::config::{NginxConfig, NginxTemplate, balancing_directive};
use super::{
    super::{
        TestbedError,
        cluster_process::{ClusterProcess, running_child},
        context::ClusterContext,
        readiness,
    },
    backends::BalancerBackend,
    driver::{Balancer, BalancerDriver, BalancerOptions},
    program::BalancerProgram,
};
use crate::{
    error_chain::error_chain,
    sampling::{GaugeSource, gauges::HttpGauges},
};

/// The declaration of nginx.
pub(super) const DRIVER: BalancerDriver = BalancerDriver {
    kind: BalancerKind::Nginx,
    program: Some(NGINX),
    bytes_per_socket: 18_200,
    create: |id, options| Ok(Box::new(NginxBalancer::new(id, options)?)),
    parse_gauges: gauges::parse,
};

/// An nginx.
#[derive(Debug)]
struct NginxBalancer {
    program: BalancerProgram,
    active: Mutex<Option<NginxConfig>>,
}

impl Balancer for NginxBalancer {
    fn process(&self) -> &ClusterProcess {
        &self.program.process
    }

    fn start<'b>(
        &'b self,
        context: &'b ClusterContext,
        backends: &'b [BalancerBackend],
    ) -> BoxFuture<'b, Result<(Child, SocketAddr), TestbedError>> {
        // Two ports: one for clients, one for the status pages.
        port::start_on_free_ports(|ports| self.start_on(context, backends, ports)).boxed()
    }

    fn reload<'b>(
        &'b self,
        context: &'b ClusterContext,
        backends: &'b [BalancerBackend],
    ) -> BoxFuture<'b, Result<String, TestbedError>> {
        self.reload_and_wait(context, backends).boxed()
    }

    fn configuration(&self) -> Option<String> {
        let active = self.active.lock();
        active.as_ref().map(|config| config.text.clone())
    }

    fn gauge_source(&self) -> Option<Arc<dyn GaugeSource>> {
        let admin = self.active.lock().as_ref()?.admin;
        Some(Arc::new(HttpGauges {
            url: format!("http://{admin}/status"),
            parse: DRIVER.parse_gauges,
            has_children: true,
        }))
    }
}

impl NginxBalancer {
    fn new(id: &str, options: BalancerOptions<'_>) -> Result<Self, TestbedError> {
        Ok(Self {
            program: BalancerProgram::new(NGINX, id, options, "nginx.conf")?,
            active: Mutex::default(),
        })
    }

    /// Replaces the configuration. A configuration that nginx rejects is not activated:
    /// nginx would continue with the old one and say so in its log alone.
    async fn reload_and_wait(
        &self,
        context: &ClusterContext,
        backends: &[BalancerBackend],
    ) -> Result<String, TestbedError> {
        let mut slot = self.process().child.lock().await;
        let id = &self.process().id;
        let child = running_child(&mut slot, id)?;
        let not_running = || TestbedError::NotRunning(id.clone());
        let before = self.active.lock().clone().ok_or_else(not_running)?;
        // The addresses stay: clients know the first, and the sampler polls the second.
        let addresses = [before.listen, before.admin];
        let config = self.write(context, backends, addresses, before.generation + 1)?;
        self.program.check(self.check_arguments()).await?;
        // The signal reaches the workers too, which ignore SIGHUP.
        let sent = child.signal(Signal::SIGHUP);
        sent.map_err(|source| TestbedError::Signal {
            id: id.clone(),
            source,
        })?;
        self.wait_until_active(context, child, &config).await?;
        let text = config.text.clone();
        *self.active.lock() = Some(config);
        Ok(text)
    }

    async fn start_on(
        &self,
        context: &ClusterContext,
        backends: &[BalancerBackend],
        ports: [u16; 2],
    ) -> Result<(Child, SocketAddr), TestbedError> {
        let addresses = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let config = self.write(context, backends, addresses, 1)?;
        let launch = self.program.launch(self.file_arguments());
        let mut child = context.launcher.spawn(&self.process().id, launch).await?;
        self.wait_until_active(context, &mut child, &config).await?;
        let listen = config.listen;
        *self.active.lock() = Some(config);
        Ok((child, listen))
    }

    fn check_arguments(&self) -> Vec<OsString> {
        let check = ["-t", "-q"].map(OsString::from).into_iter();
        check.chain(self.file_arguments()).collect()
    }

    fn file_arguments(&self) -> [OsString; 6] {
        [
            // Without it, nginx opens a log in /var/log until it has read the configuration.
            "-e".into(),
            "stderr".into(),
            "-p".into(),
            self.program.folder.clone().into(),
            "-c".into(),
            self.program.config_path.clone().into(),
        ]
    }

    fn write(
        &self,
        context: &ClusterContext,
        backends: &[BalancerBackend],
        [listen, admin]: [SocketAddr; 2],
        generation: u32,
    ) -> Result<NginxConfig, TestbedError> {
        let tls = context.credentials.balancer_pem_path();
        let text = NginxTemplate {
            is_root: geteuid().is_root(),
            folder: &self.program.folder,
            files: self.program.capacity.total_connections(),
            method: balancing_directive(self.program.policy),
            servers: backends,
            listen: listen.to_string(),
            admin: admin.to_string(),
            tls: tls.as_deref(),
            generation,
        }
        .render()?;
        self.program.write(&text)?;
        Ok(NginxConfig {
            listen,
            admin,
            generation,
            text,
        })
    }

    /// Waits until nginx answers with the number of this configuration. That is the only
    /// sign that a reload is over: until then the old workers still accept sockets.
    async fn wait_until_active(
        &self,
        context: &ClusterContext,
        child: &mut Child,
        config: &NginxConfig,
    ) -> Result<(), TestbedError> {
        let url = format!("http://{}/generation", config.admin);
        let wanted = config.generation.to_string();
        let poll = || async {
            match context.client.text(&url).await {
                Ok(active) if active.trim() == wanted => Ok(()),
                Ok(_) => Err(format!("it does not serve configuration {wanted} yet")),
                Err(error) => Err(error_chain(&error)),
            }
        };
        readiness::wait_until(self.process(), child, poll).await
    }
}

#[cfg(test)]
mod tests {
    use super::{super::program::tests, *};

    #[tokio::test]
    async fn nginx_accepts_the_rendered_configuration_and_rejects_a_broken_one() {
        let folder = tempfile::tempdir().unwrap();
        let nginx = NginxBalancer::new("b1", tests::options(folder.path()));
        let nginx = nginx.expect("nginx is installed");
        let (arguments, render) = (nginx.check_arguments(), config::tests::render);
        let error = tests::rejection(&nginx.program, render, &arguments, "least_conn").await;
        assert!(
            error.starts_with("cannot configure b1: nginx rejects the configuration: ")
                && error.contains("unknown directive \"fewest\""),
            "{error}"
        );
    }
}
