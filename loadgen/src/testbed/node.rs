//! A node: a process that can be ended and started again on its old address.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use highwater_scenarios::plan::{Measure, Routing};
use tokio::sync::Mutex;

use super::{
    TestbedError,
    cluster::Bed,
    node_registry::{Life, Shown},
    port, startup,
};
use crate::process::{Child, Launch};

/// How long a node's old port may stay taken when it is started again.
const PORT_FREE_WITHIN: Duration = Duration::from_secs(15);

/// A node of the cluster. An event holds its process for as long as it works on
/// it, so two events never work on one node at once.
#[derive(Debug)]
pub(super) struct Node {
    /// `n1`, `n2`, …
    pub(super) id: String,
    /// Where it logs.
    pub(super) log: PathBuf,
    /// Its process; none before its start and after its end.
    pub(super) process: Mutex<Option<Child>>,
}

impl Node {
    pub(super) fn new(id: &str, log: PathBuf) -> Self {
        Self {
            id: id.to_owned(),
            log,
            process: Mutex::new(None),
        }
    }

    /// Starts the process, on the node's old port if it had one, or on the one that was
    /// kept for it. The caller holds `process`, which must be empty.
    pub(super) async fn start(
        &self,
        bed: &Bed,
        process: &mut Option<Child>,
    ) -> Result<SocketAddr, TestbedError> {
        let before = bed.roster.shown(&self.id).and_then(|shown| shown.address);
        let (child, address) = match before.or_else(|| bed.front.take_reserved(&self.id)) {
            Some(address) => self.start_again(bed, address).await?,
            None => self.start_anew(bed).await?,
        };
        bed.roster.show(&self.id, |shown| {
            shown.address = Some(address);
            shown.pid = Some(child.pid());
            shown.life = Life::Running;
        });
        *process = Some(child);
        Ok(address)
    }

    /// Notes that the process has ended and its status was taken.
    pub(super) fn is_down(&self, bed: &Bed, listed: Listed) {
        bed.roster.show(&self.id, |shown| {
            shown.pid = None;
            shown.life = Life::Down;
            shown.listed &= listed == Listed::AsBefore;
        });
    }

    /// Notes that the node was asked to end, and lets no client come any more.
    pub(super) fn is_leaving(&self, bed: &Bed) {
        bed.roster.show(&self.id, |shown| {
            shown.life = Life::Leaving;
            shown.listed = false;
        });
    }

    async fn start_anew(&self, bed: &Bed) -> Result<(Child, SocketAddr), TestbedError> {
        port::start_on_one(|port| self.start_on(bed, port)).await
    }

    async fn start_again(
        &self,
        bed: &Bed,
        address: SocketAddr,
    ) -> Result<(Child, SocketAddr), TestbedError> {
        port::until_free(&self.id, address.port(), PORT_FREE_WITHIN).await?;
        self.start_on(bed, address.port()).await
    }

    async fn start_on(&self, bed: &Bed, port: u16) -> Result<(Child, SocketAddr), TestbedError> {
        let launch = self.launch(bed, port);
        startup::start(&bed.spawner, &self.id, launch).await
    }

    fn launch(&self, bed: &Bed, port: u16) -> Launch {
        let mut arguments: Vec<OsString> = vec![
            "serve".into(),
            "node".into(),
            "--listen".into(),
            format!("127.0.0.1:{port}").into(),
            "--id".into(),
            (&self.id).into(),
            "--routing".into(),
            routing(bed.routing).into(),
            "--allow-faults".into(),
        ];
        if bed.measure == Measure::Heap {
            arguments.extend(["--own-load".into(), "heap".into()]);
        }
        if let Some(age) = bed.max_age {
            arguments.push("--max-age".into());
            arguments.push(format!("{}ms", age.as_millis()).into());
        }
        let (joined, env) = bed.backplane.of_a_member();
        arguments.extend(joined);
        let (proven, secrets) = bed.credentials.of_a_node();
        arguments.extend(proven);
        let launch = Launch::new(&bed.exe, arguments, &self.log);
        env.into_iter()
            .chain(secrets)
            .fold(launch, |launch, (name, value)| launch.with_env(name, value))
    }
}

/// Whether clients are still sent to a node that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    /// It ended without notice: whoever sends clients does not know.
    AsBefore,
    /// It ended in order.
    NoMore,
}

/// The child of a node that runs.
pub(super) fn running<'c>(
    process: &'c mut Option<Child>,
    id: &str,
) -> Result<&'c mut Child, TestbedError> {
    let down = || TestbedError::NotRunning { id: id.into() };
    let child = process.as_mut().ok_or_else(down)?;
    child.is_running().then_some(child).ok_or_else(down)
}

/// The address of a node that has listened.
pub(super) fn address(bed: &Bed, id: &str) -> Result<SocketAddr, TestbedError> {
    let shown: Option<Shown> = bed.roster.shown(id);
    shown
        .and_then(|shown| shown.address)
        .ok_or_else(|| TestbedError::NotRunning { id: id.into() })
}

fn routing(routing: Routing) -> &'static str {
    match routing {
        Routing::Directory => "directory",
        Routing::Broadcast => "broadcast",
    }
}
