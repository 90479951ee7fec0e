//! nginx: a configuration file, and SIGHUP for a new one.
//!
//! After a reload the old worker keeps its sockets until their clients go, and the new
//! one counts from zero: the shared counts of an upstream are made anew with each
//! configuration (`ngx_http_upstream_zone_module.c`, `noreuse`).

use std::{
    ffi::{OsStr, OsString},
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use highwater_process::{Child, Launch, Signal, port};
use highwater_scenarios::plan::BalancerPolicy;
use nix::unistd::geteuid;
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;

use super::{
    super::{
        TestbedError, cluster::ClusterInner, node::running_child, readiness, startup::NICENESS,
    },
    any_balancer::BalancerOptions,
    backends::BalancerBackend,
    capacity::BalancerCapacity,
    process::BalancerProcess,
    template::fill,
};
use crate::{error_chain::error_chain, program::NGINX, sampling::BalancerEndpoint};

const TEMPLATE: &str = include_str!("../../../../deploy/nginx.conf.j2");

/// An nginx.
#[derive(Debug)]
pub(super) struct NginxBalancer {
    pub(super) process: BalancerProcess,
    pub(super) program: PathBuf,
    folder: PathBuf,
    policy: BalancerPolicy,
    capacity: BalancerCapacity,
    active_config: Mutex<Option<NginxConfig>>,
}

/// What it serves by.
#[derive(Debug, Clone)]
struct NginxConfig {
    listen: SocketAddr,
    admin: SocketAddr,
    generation: u32,
    /// The configuration in full.
    text: String,
}

/// What the template is filled with.
#[derive(Serialize)]
struct NginxTemplate<'v> {
    is_root: bool,
    folder: &'v Path,
    files: u64,
    /// The line of the policy; round-robin has none.
    method: Option<&'static str>,
    servers: &'v [BalancerBackend],
    listen: String,
    admin: String,
    tls: Option<&'v Path>,
    generation: u32,
}

impl NginxBalancer {
    pub(super) fn new(
        id: &str,
        program: &Path,
        common: BalancerOptions<'_>,
    ) -> Result<Self, TestbedError> {
        let folder = common.folder_of(id)?;
        Ok(Self {
            process: BalancerProcess::new(id, common.log_dir),
            program: program.to_owned(),
            folder,
            policy: common.policy,
            capacity: common.capacity,
            active_config: Mutex::default(),
        })
    }

    /// Starts it; over when it answers.
    pub(super) async fn start(
        &self,
        cluster: &ClusterInner,
        servers: &[BalancerBackend],
    ) -> Result<(), TestbedError> {
        let start = |ports| self.start_on(cluster, servers, ports);
        let (child, listen) = port::start_on_free_ports(start).await?;
        self.process.set_running(child, listen).await;
        Ok(())
    }

    /// Over when the new configuration is served. One that nginx would not take is not
    /// handed to it: it would go on by the old one, and say so in its log alone.
    pub(super) async fn reload(
        &self,
        cluster: &ClusterInner,
        servers: &[BalancerBackend],
    ) -> Result<String, TestbedError> {
        let mut process = self.process.lock_child().await;
        let id = &self.process.id;
        let child = running_child(&mut process, id)?;
        let not_running = || TestbedError::NotRunning { id: id.clone() };
        let before = self.served().clone().ok_or_else(not_running)?;
        let generation = before.generation + 1;
        let served = self.write(cluster, servers, [before.listen, before.admin], generation)?;
        self.check().await?;
        // Its workers get it too, and take no notice.
        let told = child.signal(Signal::SIGHUP);
        told.map_err(|source| TestbedError::Signal {
            id: id.clone(),
            source,
        })?;
        self.wait_until_served(cluster, child, &served).await?;
        let text = served.text.clone();
        *self.served() = Some(served);
        Ok(text)
    }

    pub(super) fn configuration(&self) -> Option<String> {
        self.served().as_ref().map(|served| served.text.clone())
    }

    pub(super) fn endpoint(&self) -> Option<BalancerEndpoint> {
        let served = self.served();
        let status = |served: &NginxConfig| format!("http://{}/status", served.admin);
        served.as_ref().map(status).map(BalancerEndpoint::Nginx)
    }

    /// It takes no such thing.
    pub(super) fn unsupported_change(&self, of: &'static str) -> TestbedError {
        TestbedError::ChangeRejected {
            id: self.process.id.clone(),
            command: of.to_owned(),
            response: "nginx takes a new configuration or none".to_owned(),
        }
    }

    async fn start_on(
        &self,
        cluster: &ClusterInner,
        servers: &[BalancerBackend],
        ports: [u16; 2],
    ) -> Result<(Child, SocketAddr), TestbedError> {
        let addresses = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let served = self.write(cluster, servers, addresses, 1)?;
        let failed = |source| TestbedError::Start {
            id: self.process.id.clone(),
            source,
        };
        let launched = cluster.spawner.spawn(self.launch()).await;
        let mut child = launched.map_err(failed)?;
        self.wait_until_served(cluster, &mut child, &served).await?;
        let listen = served.listen;
        *self.served() = Some(served);
        Ok((child, listen))
    }

    fn launch(&self) -> Launch {
        Launch::new(&self.program, self.arguments(), self.process.log())
            .with_children()
            .with_niceness(NICENESS)
    }

    /// Has it look at what was written.
    async fn check(&self) -> Result<(), TestbedError> {
        let files = self.arguments();
        let arguments = ["-t", "-q"].map(OsStr::new).into_iter();
        let arguments = arguments.chain(files.iter().map(OsString::as_os_str));
        self.process.check(NGINX, &self.program, arguments).await
    }

    /// Where its files are.
    fn arguments(&self) -> [OsString; 6] {
        [
            // Where it logs until it has read where.
            "-e".into(),
            "stderr".into(),
            "-p".into(),
            self.folder.clone().into_os_string(),
            "-c".into(),
            self.file().into_os_string(),
        ]
    }

    fn file(&self) -> PathBuf {
        self.folder.join("nginx.conf")
    }

    fn write(
        &self,
        cluster: &ClusterInner,
        servers: &[BalancerBackend],
        [listen, admin]: [SocketAddr; 2],
        generation: u32,
    ) -> Result<NginxConfig, TestbedError> {
        let tls = cluster.credentials.balancer_pem_path();
        let values = NginxTemplate {
            is_root: geteuid().is_root(),
            folder: &self.folder,
            files: self.capacity.total_connections(),
            method: balancing_directive(self.policy),
            servers,
            listen: listen.to_string(),
            admin: admin.to_string(),
            tls: tls.as_deref(),
            generation,
        };
        let text = fill(TEMPLATE, &values)?;
        let path = self.file();
        fs::write(&path, &text).map_err(|source| TestbedError::BalancerFile { path, source })?;
        Ok(NginxConfig {
            listen,
            admin,
            generation,
            text,
        })
    }

    /// Waits until this configuration is what answers.
    async fn wait_until_served(
        &self,
        cluster: &ClusterInner,
        child: &mut Child,
        served: &NginxConfig,
    ) -> Result<(), TestbedError> {
        let url = format!("http://{}/generation", served.admin);
        let wanted = served.generation.to_string();
        let serves = || async {
            match cluster.http.text(&url).await {
                Ok(found) if found.trim() == wanted => Ok(()),
                Ok(_) => Err(format!("it does not serve configuration {wanted} yet")),
                Err(error) => Err(error_chain(&error)),
            }
        };
        readiness::wait_until(self.process.id_and_log(), child, serves).await
    }

    /// Nothing can fail while it is locked.
    fn served(&self) -> MutexGuard<'_, Option<NginxConfig>> {
        self.active_config.lock()
    }
}

/// The policy in nginx's own words.
fn balancing_directive(policy: BalancerPolicy) -> Option<&'static str> {
    match policy {
        BalancerPolicy::RoundRobin => None,
        BalancerPolicy::LeastConn => Some("least_conn"),
        BalancerPolicy::P2c => Some("random two least_conn"),
        BalancerPolicy::Random => Some("random"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    /// What two nodes give, one of which leaves.
    fn servers() -> [BalancerBackend; 2] {
        let server = |id: &str, port: u16, leaving| BalancerBackend {
            id: id.to_owned(),
            address: format!("127.0.0.1:{port}"),
            leaving,
        };
        [server("n1", 8081, false), server("n2", 8082, true)]
    }

    fn values<'v>(
        folder: &'v Path,
        policy: BalancerPolicy,
        servers: &'v [BalancerBackend],
    ) -> NginxTemplate<'v> {
        NginxTemplate {
            is_root: geteuid().is_root(),
            folder,
            files: 1_000,
            method: balancing_directive(policy),
            servers,
            listen: "127.0.0.1:8080".to_owned(),
            admin: "127.0.0.1:8089".to_owned(),
            tls: None,
            generation: 7,
        }
    }

    /// The lines of the `upstream`, without their indentation.
    fn upstream(policy: BalancerPolicy) -> String {
        let servers = servers();
        let values = NginxTemplate {
            is_root: true,
            tls: Some(Path::new("/run/tls.pem")),
            ..values(Path::new("/run/b1"), policy, &servers)
        };
        let text = fill(TEMPLATE, &values).unwrap();
        for said in [
            "user root;",
            "worker_connections 1000;",
            "listen 127.0.0.1:8080 ssl backlog=4096;",
            "ssl_certificate_key /run/tls.pem;",
            "return 200 \"7\";",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
        let (_, upstream) = text.split_once("upstream nodes {\n").unwrap();
        let (upstream, _) = upstream.split_once("        # For commands").unwrap();
        let lines = upstream.lines().map(str::trim_start);
        lines.map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn a_configuration_names_the_nodes_and_the_policy() {
        expect![[r#"
            zone nodes 256k;
            random two least_conn;
            server 127.0.0.1:8081 max_fails=1 fail_timeout=10s; # n1
            server 127.0.0.1:8082 max_fails=1 fail_timeout=10s down; # n2
        "#]]
        .assert_eq(&upstream(BalancerPolicy::P2c));
        assert!(!upstream(BalancerPolicy::RoundRobin).contains("random"));
        assert!(upstream(BalancerPolicy::LeastConn).contains("\nleast_conn;\n"));
    }

    #[tokio::test]
    async fn nginx_takes_what_is_written_and_says_what_it_does_not_take() {
        let folder = tempfile::tempdir().unwrap();
        let common = BalancerOptions {
            log_dir: folder.path(),
            folder: folder.path(),
            policy: BalancerPolicy::LeastConn,
            capacity: BalancerCapacity { connections: 100 },
        };
        let program = NGINX.path().expect("nginx is installed");
        let nginx = NginxBalancer::new("b1", &program, common).unwrap();
        for policy in [
            BalancerPolicy::RoundRobin,
            BalancerPolicy::P2c,
            BalancerPolicy::Random,
            BalancerPolicy::LeastConn,
        ] {
            let servers = servers();
            let text = fill(TEMPLATE, &values(&nginx.folder, policy, &servers)).unwrap();
            fs::write(nginx.file(), text).unwrap();
            nginx.check().await.unwrap();
        }
        let text = fs::read_to_string(nginx.file()).unwrap();
        fs::write(nginx.file(), text.replace("least_conn;", "fewest;")).unwrap();
        let said = nginx.check().await.unwrap_err().to_string();
        assert!(
            said.starts_with("nginx does not take the configuration of b1: ")
                && said.contains("unknown directive \"fewest\""),
            "{said}"
        );
    }
}
