//! The gateway of this project: it learns of the nodes from the backplane, so nobody
//! tells it anything.

use std::{
    ffi::OsString,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use highwater_scenarios::plan::{Measure, Policy};

use super::{
    super::{TestbedError, cluster::Bed, port, readiness, startup},
    any_balancer::Common,
    process::Process,
};
use crate::{
    process::{Child, Launch},
    sampling::BalancerEndpoint,
};

/// A gateway.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) process: Process,
    policy: Policy,
    started: Mutex<Option<Started>>,
}

/// How it was started.
#[derive(Debug, Clone)]
struct Started {
    /// Where it tells of itself.
    admin: SocketAddr,
    /// Its command line.
    command: String,
}

impl Gateway {
    pub(super) fn new(id: &str, common: Common<'_>) -> Self {
        Self {
            process: Process::new(id, common.log_dir),
            policy: common.policy,
            started: Mutex::default(),
        }
    }

    /// Starts it; over when it sees all nodes.
    pub(super) async fn start(&self, bed: &Bed) -> Result<(), TestbedError> {
        let start = |ports| self.start_on(bed, ports);
        let (mut child, listen, admin) = port::start_on_several(start).await?;
        let (id, log) = self.process.name_and_log();
        readiness::until_serving(bed, (id, log), &mut child, ("http", admin)).await?;
        readiness::until_seen(bed, (id, log), &mut child, admin).await?;
        self.process.runs(child, listen).await;
        Ok(())
    }

    /// Its command line, which is all of its configuration.
    pub(super) fn configuration(&self) -> Option<String> {
        let started = self.started();
        started.as_ref().map(|started| started.command.clone())
    }

    pub(super) fn endpoint(&self) -> Option<BalancerEndpoint> {
        let started = self.started();
        let metrics = |started: &Started| format!("http://{}/metrics", started.admin);
        started.as_ref().map(metrics).map(BalancerEndpoint::Gateway)
    }

    /// It takes no such thing.
    pub(super) fn refusal(&self, of: &'static str) -> TestbedError {
        TestbedError::BalancerRefused {
            id: self.process.id.clone(),
            asked: of.to_owned(),
            answer: "a gateway learns of nodes by itself".to_owned(),
        }
    }

    async fn start_on(
        &self,
        bed: &Bed,
        [port, admin]: [u16; 2],
    ) -> Result<(Child, SocketAddr, SocketAddr), TestbedError> {
        let admin = SocketAddr::from(([127, 0, 0, 1], admin));
        let launch = self.launch(bed, port, admin);
        *self.started() = Some(Started {
            admin,
            command: command_line(&launch),
        });
        let (child, listen) = startup::start(&bed.spawner, &self.process.id, launch).await?;
        Ok((child, listen, admin))
    }

    fn launch(&self, bed: &Bed, port: u16, admin: SocketAddr) -> Launch {
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
            word(self.policy).into(),
        ];
        if bed.measure != Measure::Sockets {
            arguments.extend(["--load".into(), "custom".into()]);
        }
        let (joined, env) = bed.backplane.of_a_member();
        arguments.extend(joined);
        arguments.extend(bed.credentials.of_a_gateway());
        let launch = Launch::new(&bed.exe, arguments, self.process.log());
        env.into_iter()
            .fold(launch, |launch, (name, value)| launch.with_env(name, value))
    }

    /// Nothing can fail while it is locked.
    fn started(&self) -> MutexGuard<'_, Option<Started>> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a person would type; secrets are in the environment.
fn command_line(launch: &Launch) -> String {
    let mut words = vec!["highwater".to_owned()];
    let arguments = launch.args.iter();
    words.extend(arguments.map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}

fn word(policy: Policy) -> &'static str {
    match policy {
        Policy::RoundRobin => "round-robin",
        Policy::LeastConn => "least-conn",
        Policy::P2c => "p2c",
        Policy::Random => "random",
    }
}
