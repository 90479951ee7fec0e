//! A balancer's process and where it listens.

use std::{
    ffi::OsStr,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{self, PoisonError},
    time::Duration,
};

use tokio::sync::{Mutex, MutexGuard};

use super::super::TestbedError;
use crate::{process::Child, program::Program};

/// How long one may take to end in order.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// A process that listens for clients. Whoever tells it something holds it for as long
/// as that takes.
#[derive(Debug)]
pub(super) struct Process {
    /// `b1`, …
    pub(super) id: String,
    log: PathBuf,
    child: Mutex<Option<Child>>,
    shown: sync::Mutex<Shown>,
}

/// What is shown of it without waiting for those who tell it something.
#[derive(Debug, Default)]
struct Shown {
    /// Where it listens for clients, or did before it ended.
    listen: Option<SocketAddr>,
    pid: Option<u32>,
}

impl Process {
    pub(super) fn new(id: &str, log_dir: &Path) -> Self {
        Self {
            id: id.to_owned(),
            log: log_dir.join(format!("{id}.log")),
            child: Mutex::default(),
            shown: sync::Mutex::default(),
        }
    }

    /// Its name and its log, for messages.
    pub(super) fn name_and_log(&self) -> (&str, &Path) {
        (&self.id, &self.log)
    }

    /// Where it logs.
    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// Notes that it runs and listens at `listen`.
    pub(super) async fn runs(&self, child: Child, listen: SocketAddr) {
        *self.shown() = Shown {
            listen: Some(listen),
            pid: Some(child.pid()),
        };
        *self.child.lock().await = Some(child);
    }

    /// Where it listens for clients, or did before it ended.
    pub(super) fn listen(&self) -> Option<SocketAddr> {
        self.shown().listen
    }

    /// Its process id, unless it has ended.
    pub(super) fn pid(&self) -> Option<u32> {
        self.shown().pid
    }

    /// The process, to be told something.
    pub(super) async fn hold(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().await
    }

    /// Has its program look at a configuration that it is to go on with.
    pub(super) async fn check<'a>(
        &self,
        program: Program,
        path: &Path,
        arguments: impl IntoIterator<Item = &'a OsStr>,
    ) -> Result<(), TestbedError> {
        let checked = program.check(path, arguments).await;
        checked.map_err(|said| TestbedError::ConfigurationRefused {
            id: self.id.clone(),
            program: program.name,
            said,
        })
    }

    /// Its name and how it ended, if it did so without being asked to; once.
    pub(super) fn take_end(&self) -> Option<(String, String)> {
        let mut child = self.child.try_lock().ok()?;
        let exit = child.as_mut()?.try_exit()?;
        *child = None;
        self.shown().pid = None;
        Some((self.id.clone(), exit.to_string()))
    }

    /// Ends it in order.
    pub(super) async fn stop(&self) {
        if let Some(mut child) = self.child.lock().await.take() {
            child.stop(STOP_WITHIN).await;
            self.shown().pid = None;
        }
    }

    /// Nothing can fail while it is locked.
    fn shown(&self) -> sync::MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
