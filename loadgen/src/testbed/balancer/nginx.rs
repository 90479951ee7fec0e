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
    sync::{Mutex, MutexGuard, PoisonError},
};

use highwater_scenarios::plan::Policy;
use nix::unistd::geteuid;
use serde::Serialize;

use super::{
    super::{TestbedError, cluster::Bed, node::running, port, readiness, startup::NICENESS},
    any_balancer::Common,
    backends::Server,
    capacity::Room,
    process::Process,
    template::fill,
};
use crate::{
    error_chain::in_full,
    process::{Child, Launch, Signal},
    program::NGINX,
    sampling::BalancerEndpoint,
};

const TEMPLATE: &str = include_str!("../../../../deploy/nginx.conf.j2");

/// An nginx.
#[derive(Debug)]
pub(super) struct Nginx {
    pub(super) process: Process,
    pub(super) program: PathBuf,
    folder: PathBuf,
    policy: Policy,
    room: Room,
    served: Mutex<Option<Served>>,
}

/// What it serves by.
#[derive(Debug, Clone)]
struct Served {
    listen: SocketAddr,
    admin: SocketAddr,
    generation: u32,
    /// The configuration in full.
    text: String,
}

/// What the template is filled with.
#[derive(Serialize)]
struct Values<'v> {
    is_root: bool,
    folder: &'v Path,
    files: u64,
    /// The line of the policy; round-robin has none.
    method: Option<&'static str>,
    servers: &'v [Server],
    listen: String,
    admin: String,
    tls: Option<&'v Path>,
    generation: u32,
}

impl Nginx {
    pub(super) fn new(id: &str, program: &Path, common: Common<'_>) -> Result<Self, TestbedError> {
        let folder = common.folder_of(id)?;
        Ok(Self {
            process: Process::new(id, common.log_dir),
            program: program.to_owned(),
            folder,
            policy: common.policy,
            room: common.room,
            served: Mutex::default(),
        })
    }

    /// Starts it; over when it answers.
    pub(super) async fn start(&self, bed: &Bed, servers: &[Server]) -> Result<(), TestbedError> {
        let start = |ports| self.start_on(bed, servers, ports);
        let (child, listen) = port::start_on_several(start).await?;
        self.process.runs(child, listen).await;
        Ok(())
    }

    /// Over when the new configuration is served. One that nginx would not take is not
    /// handed to it: it would go on by the old one, and say so in its log alone.
    pub(super) async fn reload(
        &self,
        bed: &Bed,
        servers: &[Server],
    ) -> Result<String, TestbedError> {
        let mut process = self.process.hold().await;
        let id = &self.process.id;
        let child = running(&mut process, id)?;
        let not_running = || TestbedError::NotRunning { id: id.clone() };
        let before = self.served().clone().ok_or_else(not_running)?;
        let generation = before.generation + 1;
        let served = self.write(bed, servers, [before.listen, before.admin], generation)?;
        self.check().await?;
        // Its workers get it too, and take no notice.
        let told = child.signal(Signal::SIGHUP);
        told.map_err(|source| TestbedError::Signal {
            id: id.clone(),
            source,
        })?;
        self.until_served(bed, child, &served).await?;
        let text = served.text.clone();
        *self.served() = Some(served);
        Ok(text)
    }

    pub(super) fn configuration(&self) -> Option<String> {
        self.served().as_ref().map(|served| served.text.clone())
    }

    pub(super) fn endpoint(&self) -> Option<BalancerEndpoint> {
        let served = self.served();
        let status = |served: &Served| format!("http://{}/status", served.admin);
        served.as_ref().map(status).map(BalancerEndpoint::Nginx)
    }

    /// It takes no such thing.
    pub(super) fn refusal(&self, of: &'static str) -> TestbedError {
        TestbedError::BalancerRefused {
            id: self.process.id.clone(),
            asked: of.to_owned(),
            answer: "nginx takes a new configuration or none".to_owned(),
        }
    }

    async fn start_on(
        &self,
        bed: &Bed,
        servers: &[Server],
        ports: [u16; 2],
    ) -> Result<(Child, SocketAddr), TestbedError> {
        let addresses = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let served = self.write(bed, servers, addresses, 1)?;
        let failed = |source| TestbedError::Start {
            id: self.process.id.clone(),
            source,
        };
        let launched = bed.spawner.spawn(self.launch()).await;
        let mut child = launched.map_err(failed)?;
        self.until_served(bed, &mut child, &served).await?;
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
        bed: &Bed,
        servers: &[Server],
        [listen, admin]: [SocketAddr; 2],
        generation: u32,
    ) -> Result<Served, TestbedError> {
        let tls = bed.credentials.balancer_file();
        let values = Values {
            is_root: geteuid().is_root(),
            folder: &self.folder,
            files: self.room.both_sides(),
            method: method(self.policy),
            servers,
            listen: listen.to_string(),
            admin: admin.to_string(),
            tls: tls.as_deref(),
            generation,
        };
        let text = fill(TEMPLATE, &values)?;
        let path = self.file();
        fs::write(&path, &text).map_err(|source| TestbedError::BalancerFile { path, source })?;
        Ok(Served {
            listen,
            admin,
            generation,
            text,
        })
    }

    /// Waits until this configuration is what answers.
    async fn until_served(
        &self,
        bed: &Bed,
        child: &mut Child,
        served: &Served,
    ) -> Result<(), TestbedError> {
        let url = format!("http://{}/generation", served.admin);
        let wanted = served.generation.to_string();
        let serves = || async {
            match bed.http.text(&url).await {
                Ok(found) if found.trim() == wanted => Ok(()),
                Ok(_) => Err(format!("it does not serve configuration {wanted} yet")),
                Err(error) => Err(in_full(&error)),
            }
        };
        readiness::until(self.process.name_and_log(), child, serves).await
    }

    /// Nothing can fail while it is locked.
    fn served(&self) -> MutexGuard<'_, Option<Served>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The policy in nginx's own words.
fn method(policy: Policy) -> Option<&'static str> {
    match policy {
        Policy::RoundRobin => None,
        Policy::LeastConn => Some("least_conn"),
        Policy::P2c => Some("random two least_conn"),
        Policy::Random => Some("random"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    /// What two nodes give, one of which leaves.
    fn servers() -> [Server; 2] {
        let server = |id: &str, port: u16, leaving| Server {
            id: id.to_owned(),
            address: format!("127.0.0.1:{port}"),
            leaving,
        };
        [server("n1", 8081, false), server("n2", 8082, true)]
    }

    fn values<'v>(folder: &'v Path, policy: Policy, servers: &'v [Server]) -> Values<'v> {
        Values {
            is_root: geteuid().is_root(),
            folder,
            files: 1_000,
            method: method(policy),
            servers,
            listen: "127.0.0.1:8080".to_owned(),
            admin: "127.0.0.1:8089".to_owned(),
            tls: None,
            generation: 7,
        }
    }

    /// The lines of the `upstream`, without their indentation.
    fn upstream(policy: Policy) -> String {
        let servers = servers();
        let values = Values {
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
        .assert_eq(&upstream(Policy::P2c));
        assert!(!upstream(Policy::RoundRobin).contains("random"));
        assert!(upstream(Policy::LeastConn).contains("\nleast_conn;\n"));
    }

    #[tokio::test]
    async fn nginx_takes_what_is_written_and_says_what_it_does_not_take() {
        let folder = tempfile::tempdir().unwrap();
        let common = Common {
            log_dir: folder.path(),
            folder: folder.path(),
            policy: Policy::LeastConn,
            room: Room { connections: 100 },
        };
        let program = NGINX.path().expect("nginx is installed");
        let nginx = Nginx::new("b1", &program, common).unwrap();
        for policy in [
            Policy::RoundRobin,
            Policy::P2c,
            Policy::Random,
            Policy::LeastConn,
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
