//! A consumer of readings: a process that can be ended and started again with its
//! journal.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use highwater_process::{Child, Launch};
use highwater_reports::record::{Source, SourceRole};
use highwater_scenarios::plan::Consumers;
use tokio::sync::Mutex;

use super::{TestbedError, cluster::ClusterInner, node::running_child, readiness, startup};
use crate::sampling::{SampleEndpoint, SampleTarget};

/// The group of all consumers of a run.
pub(super) const CONSUMER_GROUP: &str = "run";

/// How long one may take to finish what it has in hand.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// A consumer. An event holds its process for as long as it works on it.
#[derive(Debug)]
pub(super) struct ConsumerProcess {
    /// `c1`, `c2`, …
    id: String,
    log: PathBuf,
    /// What it has handled, a line each.
    pub(super) journal: PathBuf,
    arguments: Vec<OsString>,
    process: Mutex<Option<Child>>,
    /// Where it listens, or did before it ended.
    address: parking_lot::Mutex<Option<SocketAddr>>,
}

/// The consumers that a scenario asks for; none runs yet.
pub(super) fn create_consumers(asked: &Consumers, log_dir: &Path) -> Vec<ConsumerProcess> {
    let arguments: Vec<OsString> = [
        "serve".to_owned(),
        "consumer".to_owned(),
        "--group".to_owned(),
        CONSUMER_GROUP.to_owned(),
        "--listen".to_owned(),
        "127.0.0.1:0".to_owned(),
        "--processing-time".to_owned(),
        format!("{}ms", asked.processing_time.as_millis()),
        "--drop-every".to_owned(),
        asked.drop_every.to_string(),
    ]
    .map(OsString::from)
    .into();
    let consumer = |number| {
        let id = format!("c{number}");
        ConsumerProcess {
            log: log_dir.join(format!("{id}.log")),
            journal: log_dir.join(format!("{id}.journal.jsonl")),
            arguments: arguments.clone(),
            process: Mutex::default(),
            address: parking_lot::Mutex::default(),
            id,
        }
    };
    (1..=asked.count).map(consumer).collect()
}

/// The consumer of this name.
pub(super) fn find<'b>(
    cluster: &'b ClusterInner,
    id: &str,
) -> Result<&'b ConsumerProcess, TestbedError> {
    let consumer = cluster.consumers.iter().find(|consumer| consumer.id == id);
    consumer.ok_or_else(|| TestbedError::NoSuchNode { id: id.into() })
}

impl ConsumerProcess {
    /// Starts it, and waits until it is joined; one that runs is ended in order first.
    pub(super) async fn restart(&self, cluster: &ClusterInner) -> Result<(), TestbedError> {
        let mut process = self.process.lock().await;
        if let Some(mut child) = process.take() {
            child.stop(STOP_TIMEOUT).await;
        }
        let (child, address) =
            startup::start(&cluster.spawner, &self.id, self.launch(cluster)).await?;
        self.set_address(Some(address));
        let child = process.insert(child);
        let joined =
            readiness::wait_until_serving(cluster, (&self.id, &self.log), child, ("http", address))
                .await;
        if joined.is_err() {
            *process = None;
        }
        joined
    }

    /// SIGKILL, without notice.
    pub(super) async fn kill(&self) -> Result<(), TestbedError> {
        let mut process = self.process.lock().await;
        running_child(&mut process, &self.id)?.kill().await;
        *process = None;
        Ok(())
    }

    /// Ends it in order.
    pub(super) async fn stop(&self) {
        if let Some(mut child) = self.process.lock().await.take() {
            child.stop(STOP_TIMEOUT).await;
        }
    }

    /// Its name and how it ended, if it did so without being asked to; once.
    pub(super) fn take_unexpected_exit(&self) -> Option<(String, String)> {
        let mut process = self.process.try_lock().ok()?;
        let exit = process.as_mut()?.try_exit()?;
        *process = None;
        Some((self.id.clone(), exit.to_string()))
    }

    /// For the sampler, once it has listened.
    pub(super) fn sample_target(&self) -> Option<SampleTarget> {
        let address = (*self.address())?;
        let process = self.process.try_lock().ok();
        Some(SampleTarget {
            source: Source::new(SourceRole::Consumer, &self.id),
            pid: process.and_then(|process| process.as_ref().map(Child::pid)),
            endpoint: Some(SampleEndpoint::Prometheus {
                url: format!("http://{address}/metrics"),
                sockets_metric: None,
            }),
        })
    }

    fn launch(&self, cluster: &ClusterInner) -> Launch {
        let mut arguments = self.arguments.clone();
        arguments.extend(["--id".into(), (&self.id).into()]);
        arguments.extend(["--journal".into(), (&self.journal).into()]);
        let (joined, env) = cluster.backplane.join_args();
        arguments.extend(joined);
        let launch = Launch::new(&cluster.exe, arguments, &self.log);
        env.into_iter()
            .fold(launch, |launch, (name, value)| launch.with_env(name, value))
    }

    fn set_address(&self, address: Option<SocketAddr>) {
        *self.address() = address;
    }

    fn address(&self) -> parking_lot::MutexGuard<'_, Option<SocketAddr>> {
        self.address.lock()
    }
}
