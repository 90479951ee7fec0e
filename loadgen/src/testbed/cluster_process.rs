//! A process of the cluster, which events end and start again.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use highwater_process::{Child, ChildExit, Signal};
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use super::TestbedError;

/// The longest time for a process to end in order, unless it has work to finish first.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A node, a broker, a balancer or a consumer. An event holds the child's lock for as long
/// as it works on the process, so two events never work on one process at once.
#[derive(Debug)]
pub(super) struct ClusterProcess {
    /// The name of the process: `n1`, `b1`, `c1`, `broker`.
    pub(super) id: String,
    /// The log of the process.
    pub(super) log: PathBuf,
    /// The part that the sampler reads without waiting for an event.
    pub(super) status: Mutex<ProcessStatus>,
    /// The child; `None` before its start and after its exit. Events wait for the lock.
    pub(super) child: AsyncMutex<Option<Child>>,
}

/// The part of a process that is read without waiting for an event.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ProcessStatus {
    /// The address at which the process listens, or did before it ended; `None` before its
    /// first start.
    pub(super) address: Option<SocketAddr>,
    /// The process id; `None` unless the process runs.
    pub(super) pid: Option<u32>,
}

/// The name and the exit of a process that ended by itself.
pub(super) type UnexpectedExit = (String, String);

impl ClusterProcess {
    /// A process that does not run yet.
    pub(super) fn new(id: &str, log_dir: &Path) -> Self {
        Self {
            id: id.to_owned(),
            log: log_dir.join(format!("{id}.log")),
            status: Mutex::default(),
            child: AsyncMutex::default(),
        }
    }

    /// Returns the address of a process that has listened.
    pub(super) fn address(&self) -> Result<SocketAddr, TestbedError> {
        let address = self.status.lock().address;
        address.ok_or_else(|| TestbedError::NotRunning(self.id.clone()))
    }

    /// Records a started child. The caller holds `slot`, the child's lock.
    pub(super) fn set_running(&self, slot: &mut Option<Child>, child: Child, address: SocketAddr) {
        *self.status.lock() = ProcessStatus {
            address: Some(address),
            pid: Some(child.pid()),
        };
        *slot = Some(child);
    }

    /// Ends the child with SIGTERM, and with SIGKILL after `within`. Returns its exit, if it
    /// ran. The caller holds `slot`.
    pub(super) async fn stop_child(
        &self,
        slot: &mut Option<Child>,
        within: Duration,
    ) -> Option<ChildExit> {
        let exit = slot.as_mut()?.stop(within).await;
        // After the exit: until then the sampler still measures the process, and an event that
        // is cancelled leaves the child to the stop of the cluster.
        self.forget_child(slot);
        Some(exit)
    }

    /// Waits for events that work on the process, then ends it as [`Self::stop_child`] does.
    pub(super) async fn stop(&self, within: Duration) {
        let mut slot = self.child.lock().await;
        self.stop_child(&mut slot, within).await;
    }

    /// Kills the child with SIGKILL and waits for the exit. The caller holds `slot`.
    pub(super) async fn kill_child(&self, slot: &mut Option<Child>) -> Result<(), TestbedError> {
        running_child(slot, &self.id)?.kill().await;
        // Emptied here, so that the exit does not count as unexpected.
        self.forget_child(slot);
        Ok(())
    }

    /// Waits for events that work on the process, then kills it.
    pub(super) async fn kill(&self) -> Result<(), TestbedError> {
        self.kill_child(&mut *self.child.lock().await).await
    }

    /// Drops the child, which kills it if it still runs. The caller holds `slot`.
    pub(super) fn forget_child(&self, slot: &mut Option<Child>) {
        *slot = None;
        self.status.lock().pid = None;
    }

    /// Sends a signal, such as SIGSTOP.
    pub(super) async fn signal(&self, signal: Signal) -> Result<(), TestbedError> {
        let sent = running_child(&mut *self.child.lock().await, &self.id)?.signal(signal);
        sent.map_err(|source| TestbedError::Signal {
            id: self.id.clone(),
            source,
        })
    }

    /// Takes the exit of a child that has ended. The caller holds `slot`.
    pub(super) fn take_exit(&self, slot: &mut Option<Child>) -> Option<ChildExit> {
        let exit = slot.as_mut()?.try_exit()?;
        self.forget_child(slot);
        Some(exit)
    }

    /// Returns the name and the exit of a process that has ended without a request, once.
    /// Never waits: a process that an event works on has no unexpected exit.
    pub(super) fn take_unexpected_exit(&self) -> Option<UnexpectedExit> {
        // An event that holds the lock takes the exit itself, as a requested one.
        let mut slot = self.child.try_lock().ok()?;
        let exit = self.take_exit(&mut slot)?;
        Some((self.id.clone(), exit.to_string()))
    }
}

/// Returns the child if it runs.
pub(super) fn running_child<'c>(
    slot: &'c mut Option<Child>,
    id: &str,
) -> Result<&'c mut Child, TestbedError> {
    let not_running = || TestbedError::NotRunning(id.into());
    let child = slot.as_mut().ok_or_else(not_running)?;
    // A child that has ended stays in the slot until its exit is taken, so both are checked.
    child.is_running().then_some(child).ok_or_else(not_running)
}
