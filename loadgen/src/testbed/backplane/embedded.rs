//! The embedded broker: a process that can be ended and started again on its
//! old address.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use highwater_process::{Child, Launch, Signal, Spawner, port};
use highwater_reports::record::{Source, SourceRole};
use highwater_scenarios::plan::BROKER_NAME;
use tokio::sync::Mutex;

use super::super::{TestbedError, node::running_child, startup};
use crate::sampling::SampleTarget;

/// How long its old port may stay taken when it is started again.
const PORT_FREE_TIMEOUT: Duration = Duration::from_secs(15);

/// How long it may take to end in order.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// The embedded broker. An event holds its process for as long as it works on
/// it.
#[derive(Debug)]
pub(in crate::testbed) struct EmbeddedBroker {
    exe: PathBuf,
    log: PathBuf,
    spawner: Spawner,
    address: SocketAddr,
    process: Mutex<Option<Child>>,
}

impl EmbeddedBroker {
    /// Starts it, on a port that stays its own while it is down.
    pub(super) async fn start(
        spawner: &Spawner,
        exe: &Path,
        log_dir: &Path,
    ) -> Result<Self, TestbedError> {
        let log = log_dir.join("broker.log");
        let start = |port| startup::start(spawner, BROKER_NAME, launch(exe, port, &log));
        let (child, address) = port::start_on_free_port(start).await?;
        Ok(Self {
            exe: exe.into(),
            log,
            spawner: spawner.clone(),
            address,
            process: Mutex::new(Some(child)),
        })
    }

    pub(super) fn join_args(&self) -> Vec<OsString> {
        let url = format!("local://{}", self.address);
        vec!["--backplane".into(), url.into()]
    }

    /// It has no endpoint: what the kernel says of it is all.
    pub(super) fn sample_target(&self) -> SampleTarget {
        let process = self.process.try_lock().ok();
        SampleTarget {
            source: Source::new(SourceRole::Broker, BROKER_NAME),
            pid: process.and_then(|process| process.as_ref().map(Child::pid)),
            endpoint: None,
        }
    }

    /// How it ended, if it did so without being asked to; once.
    pub(in crate::testbed) fn take_unexpected_exit(&self) -> Option<String> {
        let mut process = self.process.try_lock().ok()?;
        let exit = process.as_mut()?.try_exit()?;
        *process = None;
        Some(exit.to_string())
    }

    /// SIGKILL.
    pub(in crate::testbed) async fn kill(&self) -> Result<(), TestbedError> {
        let mut process = self.process.lock().await;
        running_child(&mut process, BROKER_NAME)?.kill().await;
        *process = None;
        Ok(())
    }

    /// Starts it again; one that runs is ended in order first.
    pub(in crate::testbed) async fn restart(&self) -> Result<(), TestbedError> {
        let mut process = self.process.lock().await;
        if let Some(mut child) = process.take() {
            child.stop(STOP_TIMEOUT).await;
        }
        let port = self.address.port();
        startup::wait_until_port_is_free(BROKER_NAME, port, PORT_FREE_TIMEOUT).await?;
        let launch = launch(&self.exe, port, &self.log);
        let (child, _) = startup::start(&self.spawner, BROKER_NAME, launch).await?;
        *process = Some(child);
        Ok(())
    }

    /// SIGSTOP or SIGCONT.
    pub(in crate::testbed) async fn signal(&self, signal: Signal) -> Result<(), TestbedError> {
        let mut process = self.process.lock().await;
        let sent = running_child(&mut process, BROKER_NAME)?.signal(signal);
        sent.map_err(|source| TestbedError::Signal {
            id: BROKER_NAME.into(),
            source,
        })
    }

    /// Ends it in order.
    pub(in crate::testbed) async fn stop(&self) {
        if let Some(mut child) = self.process.lock().await.take() {
            child.stop(STOP_TIMEOUT).await;
        }
    }
}

fn launch(exe: &Path, port: u16, log: &Path) -> Launch {
    let listen = format!("127.0.0.1:{port}");
    Launch::new(exe, ["serve", "broker", "--listen", &listen], log)
}
