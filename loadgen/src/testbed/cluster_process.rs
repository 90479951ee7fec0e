//! A broker, a balancer or a consumer: a process that events end and start again.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use highwater_process::{Child, Signal};
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

use super::TestbedError;

/// A process of the cluster other than a node. An event holds its child for as long as it
/// works on it, so two events never work on one process at once.
#[derive(Debug)]
pub(super) struct ClusterProcess {
    /// The name of the process: `b1`, `c1`, `broker`.
    pub(super) id: String,
    log: PathBuf,
    child: AsyncMutex<Option<Child>>,
    /// The part that the sampler reads without waiting for an event.
    status: Mutex<ProcessStatus>,
}

#[derive(Debug, Clone, Copy, Default)]
struct ProcessStatus {
    /// The address at which the process listens, or did before it ended.
    address: Option<SocketAddr>,
    pid: Option<u32>,
}

/// A process that ended by itself.
pub(super) type UnexpectedExit = (String, String);

impl ClusterProcess {
    /// A process that does not run yet.
    pub(super) fn new(id: &str, log_dir: &Path) -> Self {
        Self {
            id: id.to_owned(),
            log: log_dir.join(format!("{id}.log")),
            child: AsyncMutex::default(),
            status: Mutex::default(),
        }
    }

    /// The log of the process.
    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// The address at which the process listens, or did before it ended; `None` before its
    /// first start.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.status.lock().address
    }

    /// The process id; `None` unless the process runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.status.lock().pid
    }

    /// Waits for the child, so that no other event works on it.
    pub(super) async fn lock(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().await
    }

    /// Records a started child. The caller holds `slot`, the child's lock.
    pub(super) fn set_running(&self, slot: &mut Option<Child>, child: Child, address: SocketAddr) {
        *self.status.lock() = ProcessStatus {
            address: Some(address),
            pid: Some(child.pid()),
        };
        *slot = Some(child);
    }

    /// Ends the child with SIGTERM, and with SIGKILL after `within`. The caller holds
    /// `slot`.
    pub(super) async fn stop_child(&self, slot: &mut Option<Child>, within: Duration) {
        if let Some(mut child) = slot.take() {
            child.stop(within).await;
            // After the exit: until then the sampler still measures the process.
            self.status.lock().pid = None;
        }
    }

    /// Waits for events that work on the process, then ends it as [`Self::stop_child`] does.
    pub(super) async fn stop(&self, within: Duration) {
        let mut slot = self.lock().await;
        self.stop_child(&mut slot, within).await;
    }

    /// Sends SIGKILL and waits for the exit.
    pub(super) async fn kill(&self) -> Result<(), TestbedError> {
        let mut slot = self.lock().await;
        running_child(&mut slot, &self.id)?.kill().await;
        self.forget_child(&mut slot);
        Ok(())
    }

    /// Drops the child, which kills it if it still runs. The caller holds `slot`.
    pub(super) fn forget_child(&self, slot: &mut Option<Child>) {
        *slot = None;
        self.status.lock().pid = None;
    }

    /// Sends a signal, such as SIGSTOP.
    pub(super) async fn signal(&self, signal: Signal) -> Result<(), TestbedError> {
        signal_child(&mut *self.lock().await, &self.id, signal)
    }

    /// Returns the name and the exit of a process that has ended without a request, once.
    /// Never waits: a process that an event works on has no unexpected exit.
    pub(super) fn take_unexpected_exit(&self) -> Option<UnexpectedExit> {
        // An event that holds the lock takes the exit itself, as a requested one.
        let mut slot = self.child.try_lock().ok()?;
        let exit = slot.as_mut()?.try_exit()?;
        self.forget_child(&mut slot);
        Some((self.id.clone(), exit.to_string()))
    }
}

/// Returns the child if it runs.
pub(super) fn running_child<'c>(
    slot: &'c mut Option<Child>,
    id: &str,
) -> Result<&'c mut Child, TestbedError> {
    let not_running = || TestbedError::NotRunning { id: id.into() };
    let child = slot.as_mut().ok_or_else(not_running)?;
    // A child that has ended stays in the slot until its exit is taken, so both are checked.
    child.is_running().then_some(child).ok_or_else(not_running)
}

/// Sends a signal to the child if it runs.
pub(super) fn signal_child(
    slot: &mut Option<Child>,
    id: &str,
    signal: Signal,
) -> Result<(), TestbedError> {
    let sent = running_child(slot, id)?.signal(signal);
    sent.map_err(|source| TestbedError::Signal {
        id: id.into(),
        source,
    })
}
