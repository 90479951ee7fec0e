//! HAProxy: a configuration file and a master, which forks a new process for each new
//! configuration; and commands to the process that runs.
//!
//! After a reload the old process keeps its sockets until their clients go, and the new
//! one counts from zero. A node that was added by a command has no such seam.

use std::{
    ffi::OsStr,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use highwater_process::{Child, Launch, port};
use highwater_scenarios::plan::BalancerPolicy;
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use tokio::time::timeout;

use super::{
    super::{
        TestbedError, cluster::ClusterInner, node::running_child, readiness, startup::NICENESS,
    },
    any_balancer::BalancerOptions,
    backends::{BackendChange, BalancerBackend},
    capacity::BalancerCapacity,
    process::BalancerProcess,
    template::fill,
};
use crate::{
    program::HAPROXY,
    sampling::{
        BalancerEndpoint,
        balancer::haproxy::{BACKEND, HaproxyWorkerState, send_command, workers},
    },
};

const TEMPLATE: &str = include_str!("../../../../deploy/haproxy.cfg.j2");

/// How nodes are checked; a server that is added by a command takes nothing over from
/// the configuration, so it is said again there.
const CHECK: &str = "check inter 1s fall 2 rise 1";

/// How long one answer may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of an answer an error shows, in characters.
const MAX_SHOWN_ANSWER_CHARS: usize = 300;

/// How it begins when a reload did not come to a new process.
const RELOAD_FAILED: &str = "Success=0";

/// What it says when a server was added; everything else that goes well says nothing.
const SERVER_ADDED: &str = "New server registered.";

/// An HAProxy.
#[derive(Debug)]
pub(super) struct HaproxyBalancer {
    pub(super) process: BalancerProcess,
    pub(super) program: PathBuf,
    folder: PathBuf,
    policy: BalancerPolicy,
    capacity: BalancerCapacity,
    /// The configuration in full, and the commands since.
    active_config: Mutex<Option<String>>,
}

/// What the template is filled with.
#[derive(Serialize)]
struct HaproxyTemplate<'v> {
    connections: u64,
    folder: &'v Path,
    listen: String,
    tls: Option<&'v Path>,
    backend: &'static str,
    method: &'static str,
    check: &'static str,
    servers: &'v [BalancerBackend],
}

impl HaproxyBalancer {
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
        let start = |port| self.start_on(cluster, servers, port);
        let (child, listen) = port::start_on_free_port(start).await?;
        self.process.set_running(child, listen).await;
        Ok(())
    }

    /// Over when a new process serves by the new configuration. One that HAProxy would
    /// not take is not handed to it: its master would go on with the old process.
    pub(super) async fn reload(
        &self,
        cluster: &ClusterInner,
        servers: &[BalancerBackend],
    ) -> Result<String, TestbedError> {
        let mut process = self.process.lock_child().await;
        let child = running_child(&mut process, &self.process.id)?;
        let listen = self
            .process
            .listen_address()
            .ok_or_else(|| self.not_running())?;
        let before = self.current_worker().await?;
        let text = self.write(cluster, servers, listen)?;
        self.check().await?;
        let answer = self.command("reload").await?;
        // Versions that wait for the new process say how that went; others say nothing.
        if answer.starts_with(RELOAD_FAILED) {
            return Err(self.change_rejected("reload", &answer));
        }
        self.wait_until_served(child, Some(before)).await?;
        let served = text.clone();
        *self.served() = Some(text);
        Ok(served)
    }

    /// Tells the process that runs; over when it has answered.
    pub(super) async fn reconfigure(&self, change: &BackendChange) -> Result<String, TestbedError> {
        let _held = self.process.lock_child().await;
        let worker = self.current_worker().await?;
        let commands = commands(change);
        for command in &commands {
            let answer = self.command(&format!("@!{worker} {command}")).await?;
            let answer = answer.trim();
            if !answer.is_empty() && answer != SERVER_ADDED {
                return Err(self.change_rejected(command, answer));
            }
        }
        let told = commands.join("\n");
        if let Some(served) = self.served().as_mut() {
            let comment = commands
                .iter()
                .map(|command| format!("# at run time: {command}\n"));
            served.extend(comment);
        }
        Ok(told)
    }

    pub(super) fn configuration(&self) -> Option<String> {
        self.served().clone()
    }

    pub(super) fn endpoint(&self) -> Option<BalancerEndpoint> {
        Some(BalancerEndpoint::Haproxy(self.master()))
    }

    async fn start_on(
        &self,
        cluster: &ClusterInner,
        servers: &[BalancerBackend],
        port: u16,
    ) -> Result<(Child, SocketAddr), TestbedError> {
        let listen = SocketAddr::from(([127, 0, 0, 1], port));
        let text = self.write(cluster, servers, listen)?;
        let launched = cluster.spawner.spawn(self.launch()).await;
        let mut child = launched.map_err(|source| TestbedError::Start {
            id: self.process.id.clone(),
            source,
        })?;
        self.wait_until_served(&mut child, None).await?;
        *self.served() = Some(text);
        Ok((child, listen))
    }

    /// With a master, in the foreground.
    fn launch(&self) -> Launch {
        let mut master = self.master().into_os_string();
        master.push(",mode,600");
        let arguments = [
            "-W".into(),
            "-S".into(),
            master,
            "-f".into(),
            self.file().into_os_string(),
        ];
        Launch::new(&self.program, arguments, self.process.log())
            .with_children()
            .with_niceness(NICENESS)
    }

    /// Has it look at what was written.
    async fn check(&self) -> Result<(), TestbedError> {
        let file = self.file();
        let arguments = [OsStr::new("-c"), OsStr::new("-f"), file.as_os_str()];
        self.process.check(HAPROXY, &self.program, arguments).await
    }

    fn file(&self) -> PathBuf {
        self.folder.join("haproxy.cfg")
    }

    fn master(&self) -> PathBuf {
        self.folder.join("master.sock")
    }

    fn write(
        &self,
        cluster: &ClusterInner,
        servers: &[BalancerBackend],
        listen: SocketAddr,
    ) -> Result<String, TestbedError> {
        let tls = cluster.credentials.balancer_pem_path();
        let values = HaproxyTemplate {
            connections: self.capacity.connections,
            folder: &self.folder,
            listen: listen.to_string(),
            tls: tls.as_deref(),
            backend: BACKEND,
            method: balance_algorithm(self.policy),
            check: CHECK,
            servers,
        };
        let text = fill(TEMPLATE, &values)?;
        let path = self.file();
        fs::write(&path, &text).map_err(|source| TestbedError::BalancerFile { path, source })?;
        Ok(text)
    }

    /// Waits until there is a process that answers and is not the one before.
    async fn wait_until_served(
        &self,
        child: &mut Child,
        before: Option<u32>,
    ) -> Result<(), TestbedError> {
        let serves = || async {
            let worker = self
                .current_worker()
                .await
                .map_err(|error| error.to_string())?;
            if before == Some(worker) {
                return Err("the process of before still serves".to_owned());
            }
            let asked = format!("@!{worker} show info");
            let answer = self
                .command(&asked)
                .await
                .map_err(|error| error.to_string())?;
            match answer.contains("Pid:") {
                true => Ok(()),
                false => Err(format!("process {worker} does not answer")),
            }
        };
        readiness::wait_until(self.process.id_and_log(), child, serves).await
    }

    /// The id of the process that takes new sockets.
    async fn current_worker(&self) -> Result<u32, TestbedError> {
        let master = self.master();
        let listed = timeout(COMMAND_TIMEOUT, workers(&master)).await;
        let listed = listed.map_err(|_| self.change_rejected("show proc", "no answer"))?;
        let listed =
            listed.map_err(|error| self.change_rejected("show proc", &error.to_string()))?;
        let current = listed
            .iter()
            .find(|worker| worker.state == HaproxyWorkerState::Current);
        current
            .map(|worker| worker.pid)
            .ok_or_else(|| self.change_rejected("show proc", "no process takes sockets"))
    }

    /// The answer of the master, or of the process that the command is for.
    async fn command(&self, command: &str) -> Result<String, TestbedError> {
        let master = self.master();
        match timeout(COMMAND_TIMEOUT, send_command(&master, command)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.change_rejected(command, &error.to_string())),
            Err(_) => Err(self.change_rejected(command, "no answer")),
        }
    }

    fn change_rejected(&self, asked: &str, answer: &str) -> TestbedError {
        TestbedError::ChangeRejected {
            id: self.process.id.clone(),
            command: asked.to_owned(),
            response: answer.chars().take(MAX_SHOWN_ANSWER_CHARS).collect(),
        }
    }

    fn not_running(&self) -> TestbedError {
        TestbedError::NotRunning {
            id: self.process.id.clone(),
        }
    }

    /// Nothing can fail while it is locked.
    fn served(&self) -> MutexGuard<'_, Option<String>> {
        self.active_config.lock()
    }
}

/// What tells of a change. A server that was added is in maintenance and unchecked until
/// both are ended.
fn commands(change: &BackendChange) -> Vec<String> {
    match change {
        BackendChange::Added(server) => {
            let (id, address) = (&server.id, &server.address);
            vec![
                format!("add server {BACKEND}/{id} {address} {CHECK}"),
                format!("enable health {BACKEND}/{id}"),
                format!("enable server {BACKEND}/{id}"),
            ]
        }
        BackendChange::Draining(server) => {
            vec![format!("set server {BACKEND}/{} state drain", server.id)]
        }
        BackendChange::Restored(server) => {
            vec![format!("set server {BACKEND}/{} state ready", server.id)]
        }
    }
}

/// The policy in HAProxy's own words: `random` draws so many and takes the one with the
/// fewest.
fn balance_algorithm(policy: BalancerPolicy) -> &'static str {
    match policy {
        BalancerPolicy::RoundRobin => "roundrobin",
        BalancerPolicy::LeastConn => "leastconn",
        BalancerPolicy::P2c => "random(2)",
        BalancerPolicy::Random => "random(1)",
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn server(id: &str, port: u16, leaving: bool) -> BalancerBackend {
        BalancerBackend {
            id: id.to_owned(),
            address: format!("127.0.0.1:{port}"),
            leaving,
        }
    }

    fn values<'v>(
        folder: &'v Path,
        policy: BalancerPolicy,
        servers: &'v [BalancerBackend],
    ) -> HaproxyTemplate<'v> {
        HaproxyTemplate {
            connections: 100,
            folder,
            listen: "127.0.0.1:8080".to_owned(),
            tls: None,
            backend: BACKEND,
            method: balance_algorithm(policy),
            check: CHECK,
            servers,
        }
    }

    #[test]
    fn a_configuration_names_the_nodes_and_the_policy() {
        let servers = [server("n1", 8081, false), server("n2", 8082, true)];
        let values = values(Path::new("/run/b1"), BalancerPolicy::LeastConn, &servers);
        let text = fill(TEMPLATE, &values).unwrap();
        assert!(text.contains("    bind 127.0.0.1:8080\n"), "{text}");
        assert!(text.contains("    maxconn 100\n"), "{text}");
        let (_, backend) = text.split_once("backend nodes\n").unwrap();
        expect![[r#"
            backend nodes
                balance leastconn
                option httpchk
                http-check send meth GET uri /readyz
                http-check expect status 200
                default-server check inter 1s fall 2 rise 1
                server n1 127.0.0.1:8081
                server n2 127.0.0.1:8082 disabled
        "#]]
        .assert_eq(backend.trim_start());
        let secure = HaproxyTemplate {
            tls: Some(Path::new("/run/tls.pem")),
            ..values
        };
        let text = fill(TEMPLATE, &secure).unwrap();
        assert!(text.contains("bind 127.0.0.1:8080 ssl crt /run/tls.pem alpn http/1.1\n"));
    }

    #[tokio::test]
    async fn haproxy_takes_what_is_written_and_says_what_it_does_not_take() {
        let folder = tempfile::tempdir().unwrap();
        let common = BalancerOptions {
            log_dir: folder.path(),
            folder: folder.path(),
            policy: BalancerPolicy::LeastConn,
            capacity: BalancerCapacity { connections: 100 },
        };
        let program = HAPROXY.path().expect("HAProxy is installed");
        let haproxy = HaproxyBalancer::new("b1", &program, common).unwrap();
        let servers = [server("n1", 8081, false), server("n2", 8082, true)];
        for policy in [
            BalancerPolicy::RoundRobin,
            BalancerPolicy::P2c,
            BalancerPolicy::Random,
            BalancerPolicy::LeastConn,
        ] {
            let values = values(&haproxy.folder, policy, &servers);
            fs::write(haproxy.file(), fill(TEMPLATE, &values).unwrap()).unwrap();
            haproxy.check().await.unwrap();
        }
        let text = fs::read_to_string(haproxy.file()).unwrap();
        fs::write(haproxy.file(), text.replace("leastconn", "fewest")).unwrap();
        let said = haproxy.check().await.unwrap_err().to_string();
        assert!(
            said.starts_with("haproxy does not take the configuration of b1: ")
                && said.contains("balance only supports"),
            "{said}"
        );
    }

    #[test]
    fn changes_are_commands() {
        let told = [
            BackendChange::Added(server("n3", 8083, false)),
            BackendChange::Draining(server("n3", 8083, true)),
            BackendChange::Restored(server("n3", 8083, false)),
        ]
        .iter()
        .flat_map(commands)
        .collect::<Vec<_>>()
        .join("\n");
        expect![[r#"
            add server nodes/n3 127.0.0.1:8083 check inter 1s fall 2 rise 1
            enable health nodes/n3
            enable server nodes/n3
            set server nodes/n3 state drain
            set server nodes/n3 state ready"#]]
        .assert_eq(&told);
    }
}
