//! The thread of the control plane.
//!
//! ```text
//! control thread: backplane ─ heartbeats, views, messages of nodes
//!                     ▲ channels
//! other threads:  sockets, HTTP, TLS
//! ```
//!
//! The connection to the backplane runs on a runtime of its own, with the heartbeats and the
//! decisions on silent members. On the runtime that serves the sockets, it would wait behind
//! thousands of them, and a busy node would look dead.

use std::{io, thread};

use nix::libc;
use tokio::runtime::{Builder, EnterGuard, Handle};
use tokio_util::sync::CancellationToken;

/// The step by which the thread's niceness is below that of the process.
const PRIORITY_STEP: i32 = 10;

/// A runtime on a thread of its own. Its tasks end when this is dropped.
pub(crate) struct ControlThread {
    handle: Handle,
    stop: CancellationToken,
}

impl ControlThread {
    /// Starts the thread, with a higher scheduling priority where the system permits it.
    ///
    /// # Errors
    /// The system's error, if it cannot create the thread or open its files.
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let run = move || {
            if let Err(error) = raise_priority() {
                tracing::debug!(%error, "the control plane runs at the priority of the process");
            }
            runtime.block_on(stopped.cancelled());
        };
        thread::Builder::new().name("control".into()).spawn(run)?;
        Ok(Self { handle, stop })
    }

    /// Returns a guard. While it is held, tasks are spawned on this thread.
    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }
}

impl Drop for ControlThread {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Lowers the niceness of the calling thread. Without a privilege it fails.
fn raise_priority() -> io::Result<()> {
    #[expect(unsafe_code, reason = "nix has no function for it")]
    // SAFETY: both take numbers and touch no memory. On Linux, 0 is the calling thread.
    let set = unsafe {
        let niceness = libc::getpriority(libc::PRIO_PROCESS, 0);
        libc::setpriority(libc::PRIO_PROCESS, 0, niceness - PRIORITY_STEP)
    };
    match set {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    #[test]
    fn task_runs_while_the_spawning_runtime_is_busy_and_ends_with_the_thread() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let control = ControlThread::start().unwrap();
        let (sender, received) = mpsc::channel();
        runtime.block_on(async {
            let guard = control.enter();
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    if sender.send(()).is_err() {
                        return;
                    }
                }
            });
            drop(guard);
            // Blocks this runtime.
            for _ in 0..3 {
                received.recv().unwrap();
            }
        });
        drop(control);
        // Ends, because the task is dropped with its sender.
        while received.recv().is_ok() {}
    }
}
