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
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use highwater_scenarios::plan::Policy;
use serde::Serialize;
use tokio::time::timeout;

use super::{
    super::{TestbedError, cluster::Bed, node::running, port, readiness, startup::NICENESS},
    any_balancer::Common,
    backends::{Change, Server},
    capacity::Room,
    process::Process,
    template::fill,
};
use crate::{
    process::{Child, Launch},
    program::HAPROXY,
    sampling::{
        BalancerEndpoint,
        balancer::haproxy::{Age, BACKEND, ask, workers},
    },
};

const TEMPLATE: &str = include_str!("../../../../deploy/haproxy.cfg.j2");

/// How nodes are checked; a server that is added by a command takes nothing over from
/// the configuration, so it is said again there.
const CHECK: &str = "check inter 1s fall 2 rise 1";

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// How much of an answer an error shows, in characters.
const ANSWER_SHOWN: usize = 300;

/// How it begins when a reload did not come to a new process.
const FAILED: &str = "Success=0";

/// What it says when a server was added; everything else that goes well says nothing.
const ADDED: &str = "New server registered.";

/// An HAProxy.
#[derive(Debug)]
pub(super) struct Haproxy {
    pub(super) process: Process,
    pub(super) program: PathBuf,
    folder: PathBuf,
    policy: Policy,
    room: Room,
    /// The configuration in full, and the commands since.
    served: Mutex<Option<String>>,
}

/// What the template is filled with.
#[derive(Serialize)]
struct Values<'v> {
    connections: u64,
    folder: &'v Path,
    listen: String,
    tls: Option<&'v Path>,
    backend: &'static str,
    method: &'static str,
    check: &'static str,
    servers: &'v [Server],
}

impl Haproxy {
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
        let start = |port| self.start_on(bed, servers, port);
        let (child, listen) = port::start_on_one(start).await?;
        self.process.runs(child, listen).await;
        Ok(())
    }

    /// Over when a new process serves by the new configuration. One that HAProxy would
    /// not take is not handed to it: its master would go on with the old process.
    pub(super) async fn reload(
        &self,
        bed: &Bed,
        servers: &[Server],
    ) -> Result<String, TestbedError> {
        let mut process = self.process.hold().await;
        let child = running(&mut process, &self.process.id)?;
        let listen = self.process.listen().ok_or_else(|| self.not_running())?;
        let before = self.current().await?;
        let text = self.write(bed, servers, listen)?;
        self.check().await?;
        let answer = self.command("reload").await?;
        // Versions that wait for the new process say how that went; others say nothing.
        if answer.starts_with(FAILED) {
            return Err(self.refused("reload", &answer));
        }
        self.until_served(child, Some(before)).await?;
        let served = text.clone();
        *self.served() = Some(text);
        Ok(served)
    }

    /// Tells the process that runs; over when it has answered.
    pub(super) async fn tell(&self, change: &Change) -> Result<String, TestbedError> {
        let _held = self.process.hold().await;
        let worker = self.current().await?;
        let commands = commands(change);
        for command in &commands {
            let answer = self.command(&format!("@!{worker} {command}")).await?;
            let answer = answer.trim();
            if !answer.is_empty() && answer != ADDED {
                return Err(self.refused(command, answer));
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
        bed: &Bed,
        servers: &[Server],
        port: u16,
    ) -> Result<(Child, SocketAddr), TestbedError> {
        let listen = SocketAddr::from(([127, 0, 0, 1], port));
        let text = self.write(bed, servers, listen)?;
        let launched = bed.spawner.spawn(self.launch()).await;
        let mut child = launched.map_err(|source| TestbedError::Start {
            id: self.process.id.clone(),
            source,
        })?;
        self.until_served(&mut child, None).await?;
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
        bed: &Bed,
        servers: &[Server],
        listen: SocketAddr,
    ) -> Result<String, TestbedError> {
        let tls = bed.credentials.balancer_file();
        let values = Values {
            connections: self.room.connections,
            folder: &self.folder,
            listen: listen.to_string(),
            tls: tls.as_deref(),
            backend: BACKEND,
            method: method(self.policy),
            check: CHECK,
            servers,
        };
        let text = fill(TEMPLATE, &values)?;
        let path = self.file();
        fs::write(&path, &text).map_err(|source| TestbedError::BalancerFile { path, source })?;
        Ok(text)
    }

    /// Waits until there is a process that answers and is not the one before.
    async fn until_served(
        &self,
        child: &mut Child,
        before: Option<u32>,
    ) -> Result<(), TestbedError> {
        let serves = || async {
            let worker = self.current().await.map_err(|error| error.to_string())?;
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
        readiness::until(self.process.name_and_log(), child, serves).await
    }

    /// The id of the process that takes new sockets.
    async fn current(&self) -> Result<u32, TestbedError> {
        let master = self.master();
        let listed = timeout(ANSWER_WITHIN, workers(&master)).await;
        let listed = listed.map_err(|_| self.refused("show proc", "no answer"))?;
        let listed = listed.map_err(|error| self.refused("show proc", &error.to_string()))?;
        let current = listed.iter().find(|worker| worker.age == Age::Current);
        current
            .map(|worker| worker.pid)
            .ok_or_else(|| self.refused("show proc", "no process takes sockets"))
    }

    /// The answer of the master, or of the process that the command is for.
    async fn command(&self, command: &str) -> Result<String, TestbedError> {
        let master = self.master();
        match timeout(ANSWER_WITHIN, ask(&master, command)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.refused(command, &error.to_string())),
            Err(_) => Err(self.refused(command, "no answer")),
        }
    }

    fn refused(&self, asked: &str, answer: &str) -> TestbedError {
        TestbedError::BalancerRefused {
            id: self.process.id.clone(),
            asked: asked.to_owned(),
            answer: answer.chars().take(ANSWER_SHOWN).collect(),
        }
    }

    fn not_running(&self) -> TestbedError {
        TestbedError::NotRunning {
            id: self.process.id.clone(),
        }
    }

    /// Nothing can fail while it is locked.
    fn served(&self) -> MutexGuard<'_, Option<String>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tells of a change. A server that was added is in maintenance and unchecked until
/// both are ended.
fn commands(change: &Change) -> Vec<String> {
    match change {
        Change::Added(server) => {
            let (id, address) = (&server.id, &server.address);
            vec![
                format!("add server {BACKEND}/{id} {address} {CHECK}"),
                format!("enable health {BACKEND}/{id}"),
                format!("enable server {BACKEND}/{id}"),
            ]
        }
        Change::Leaving(server) => {
            vec![format!("set server {BACKEND}/{} state drain", server.id)]
        }
        Change::Back(server) => vec![format!("set server {BACKEND}/{} state ready", server.id)],
    }
}

/// The policy in HAProxy's own words: `random` draws so many and takes the one with the
/// fewest.
fn method(policy: Policy) -> &'static str {
    match policy {
        Policy::RoundRobin => "roundrobin",
        Policy::LeastConn => "leastconn",
        Policy::P2c => "random(2)",
        Policy::Random => "random(1)",
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn server(id: &str, port: u16, leaving: bool) -> Server {
        Server {
            id: id.to_owned(),
            address: format!("127.0.0.1:{port}"),
            leaving,
        }
    }

    fn values<'v>(folder: &'v Path, policy: Policy, servers: &'v [Server]) -> Values<'v> {
        Values {
            connections: 100,
            folder,
            listen: "127.0.0.1:8080".to_owned(),
            tls: None,
            backend: BACKEND,
            method: method(policy),
            check: CHECK,
            servers,
        }
    }

    #[test]
    fn a_configuration_names_the_nodes_and_the_policy() {
        let servers = [server("n1", 8081, false), server("n2", 8082, true)];
        let values = values(Path::new("/run/b1"), Policy::LeastConn, &servers);
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
        let secure = Values {
            tls: Some(Path::new("/run/tls.pem")),
            ..values
        };
        let text = fill(TEMPLATE, &secure).unwrap();
        assert!(text.contains("bind 127.0.0.1:8080 ssl crt /run/tls.pem alpn http/1.1\n"));
    }

    #[tokio::test]
    async fn haproxy_takes_what_is_written_and_says_what_it_does_not_take() {
        let folder = tempfile::tempdir().unwrap();
        let common = Common {
            log_dir: folder.path(),
            folder: folder.path(),
            policy: Policy::LeastConn,
            room: Room { connections: 100 },
        };
        let program = HAPROXY.path().expect("HAProxy is installed");
        let haproxy = Haproxy::new("b1", &program, common).unwrap();
        let servers = [server("n1", 8081, false), server("n2", 8082, true)];
        for policy in [
            Policy::RoundRobin,
            Policy::P2c,
            Policy::Random,
            Policy::LeastConn,
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
            Change::Added(server("n3", 8083, false)),
            Change::Leaving(server("n3", 8083, true)),
            Change::Back(server("n3", 8083, false)),
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
