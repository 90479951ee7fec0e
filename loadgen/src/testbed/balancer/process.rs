//! A balancer's process and where it listens.

use std::{
    ffi::OsStr,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use highwater_process::Child;
use tokio::sync::{Mutex, MutexGuard};

use super::super::TestbedError;
use crate::program::BalancerProgram;

/// How long one may take to end in order.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// A process that listens for clients. Whoever tells it something holds it for as long
/// as that takes.
#[derive(Debug)]
pub(super) struct BalancerProcess {
    /// `b1`, …
    pub(super) id: String,
    log: PathBuf,
    child: Mutex<Option<Child>>,
    status: parking_lot::Mutex<BalancerProcessStatus>,
}

/// What is shown of it without waiting for those who tell it something.
#[derive(Debug, Default)]
struct BalancerProcessStatus {
    /// Where it listens for clients, or did before it ended.
    listen_address: Option<SocketAddr>,
    pid: Option<u32>,
}

impl BalancerProcess {
    pub(super) fn new(id: &str, log_dir: &Path) -> Self {
        Self {
            id: id.to_owned(),
            log: log_dir.join(format!("{id}.log")),
            child: Mutex::default(),
            status: parking_lot::Mutex::default(),
        }
    }

    /// Its name and its log, for messages.
    pub(super) fn id_and_log(&self) -> (&str, &Path) {
        (&self.id, &self.log)
    }

    /// Where it logs.
    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// Notes that it runs and listens at `listen`.
    pub(super) async fn set_running(&self, child: Child, listen: SocketAddr) {
        *self.lock_status() = BalancerProcessStatus {
            listen_address: Some(listen),
            pid: Some(child.pid()),
        };
        *self.child.lock().await = Some(child);
    }

    /// Where it listens for clients, or did before it ended.
    pub(super) fn listen_address(&self) -> Option<SocketAddr> {
        self.lock_status().listen_address
    }

    /// Its process id, unless it has ended.
    pub(super) fn pid(&self) -> Option<u32> {
        self.lock_status().pid
    }

    /// The process, to be told something.
    pub(super) async fn lock_child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().await
    }

    /// Has its program look at a configuration that it is to go on with.
    pub(super) async fn check<'a>(
        &self,
        program: BalancerProgram,
        path: &Path,
        arguments: impl IntoIterator<Item = &'a OsStr>,
    ) -> Result<(), TestbedError> {
        let checked = program.check(path, arguments).await;
        checked.map_err(|said| TestbedError::ConfigRejected {
            id: self.id.clone(),
            program: program.name,
            output: said,
        })
    }

    /// Its name and how it ended, if it did so without being asked to; once.
    pub(super) fn take_unexpected_exit(&self) -> Option<(String, String)> {
        let mut child = self.child.try_lock().ok()?;
        let exit = child.as_mut()?.try_exit()?;
        *child = None;
        self.lock_status().pid = None;
        Some((self.id.clone(), exit.to_string()))
    }

    /// Ends it in order.
    pub(super) async fn stop(&self) {
        if let Some(mut child) = self.child.lock().await.take() {
            child.stop(STOP_WITHIN).await;
            self.lock_status().pid = None;
        }
    }

    /// Nothing can fail while it is locked.
    fn lock_status(&self) -> parking_lot::MutexGuard<'_, BalancerProcessStatus> {
        self.status.lock()
    }
}
