//! A running child.

use std::{path::PathBuf, time::Duration};

use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout, timeout_at},
};

use super::{ChildExit, Launch, ProcessError, log, thread::SpawnerThread};

/// A child process. Its drop kills its whole process group, and tokio reaps it.
#[derive(Debug)]
pub struct Child {
    process: tokio::process::Child,
    pid: u32,
    exit: Option<ChildExit>,
    first_line: Option<oneshot::Receiver<String>>,
    program: String,
    log: PathBuf,
    /// Keeps the thread that started the process alive: the end of that thread would
    /// trigger the parent-death signal. Last, so that it is dropped after the process.
    _thread: SpawnerThread,
}

impl Child {
    pub(super) fn new(
        process: tokio::process::Child,
        first_line: Option<oneshot::Receiver<String>>,
        launch: Launch,
        thread: SpawnerThread,
    ) -> Self {
        Self {
            // tokio drops the id once it has the status, and nothing has waited yet.
            pid: process.id().unwrap_or_default(),
            exit: None,
            first_line,
            program: launch.name(),
            log: launch.log,
            process,
            _thread: thread,
        }
    }

    /// Returns the process id, which is also the id of the process group. Once the
    /// child has ended, the system may give it to another process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for the first line of standard output and returns it without its end.
    ///
    /// # Errors
    ///
    /// [`ProcessError::NoFirstLine`] if the launch did not ask for it or an earlier call
    /// took it, [`ProcessError::Exited`] if the child ended first, and
    /// [`ProcessError::FirstLineTimeout`] if nothing came in `within`.
    pub async fn first_stdout_line(&mut self, within: Duration) -> Result<String, ProcessError> {
        let deadline = Instant::now() + within;
        let line = self
            .first_line
            .take()
            .ok_or_else(|| ProcessError::NoFirstLine {
                program: self.program.clone(),
            })?;
        if let Ok(Ok(line)) = timeout_at(deadline, line).await {
            return Ok(line);
        }
        // The child may have closed its output and still run: the rest of the time is for its
        // end.
        match self
            .wait(deadline.saturating_duration_since(Instant::now()))
            .await
        {
            Some(exit) => Err(self.exited_error(exit)),
            None => Err(ProcessError::FirstLineTimeout {
                program: self.program.clone(),
                waited: within,
                log: log::tail(&self.log),
            }),
        }
    }

    /// Sends a signal to the child's process group.
    ///
    /// # Errors
    ///
    /// [`ProcessError::AlreadyExited`] if the child has ended,
    /// [`ProcessError::Signal`] if the kernel rejects the signal.
    pub fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        let Some(group) = self.group() else {
            return Err(ProcessError::AlreadyExited {
                program: self.program.clone(),
                signal,
            });
        };
        killpg(group, signal).map_err(|source| ProcessError::Signal {
            program: self.program.clone(),
            signal,
            source,
        })
    }

    /// Whether the child has not ended yet; a stopped child is running.
    pub fn is_running(&mut self) -> bool {
        self.try_exit().is_none()
    }

    /// Returns how the child ended, or `None` while it runs. Processes that it left in
    /// its group are killed.
    pub fn try_exit(&mut self) -> Option<ChildExit> {
        if self.exit.is_none() && self.has_ended() {
            // Before the status is taken: until then the kernel cannot give the number of
            // the group to another process. An empty group rejects the signal.
            let _ = self.signal(Signal::SIGKILL);
            self.exit = self
                .process
                .try_wait()
                .transpose()
                .map(ChildExit::from_wait);
        }
        self.exit
    }

    /// Waits until the child has ended, but no longer than `within`, and returns `None`
    /// if it is still running.
    pub async fn wait(&mut self, within: Duration) -> Option<ChildExit> {
        if self.exit.is_none() {
            let waited = timeout(within, self.process.wait()).await;
            self.exit = waited.ok().map(ChildExit::from_wait);
        }
        self.exit
    }

    /// Ends the child with SIGTERM, and with SIGKILL if it is still running after
    /// `grace`.
    pub async fn stop(&mut self, grace: Duration) -> ChildExit {
        // A rejected signal means that the child has ended, which the wait finds out.
        let _ = self.signal(Signal::SIGTERM);
        // A stopped process acts on SIGTERM only after it continues.
        let _ = self.signal(Signal::SIGCONT);
        match self.wait(grace).await {
            Some(exit) => exit,
            None => self.kill().await,
        }
    }

    /// Ends the child with SIGKILL.
    pub async fn kill(&mut self) -> ChildExit {
        // An ended child rejects the signal, and the wait returns at once.
        let _ = self.signal(Signal::SIGKILL);
        let exit = match self.exit {
            Some(exit) => exit,
            None => ChildExit::from_wait(self.process.wait().await),
        };
        self.exit = Some(exit);
        exit
    }

    /// Ends the child with SIGKILL and blocks until it has ended. For callers without a
    /// runtime.
    pub fn kill_blocking(&mut self) -> ChildExit {
        let _ = self.signal(Signal::SIGKILL);
        if let Some(pid) = self.group() {
            // WNOWAIT leaves the status for `try_exit`, which also ends the group.
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            while waitid(Id::Pid(pid), flags) == Err(Errno::EINTR) {}
        }
        self.try_exit().unwrap_or(ChildExit::Unknown)
    }

    /// Returns the error for a child that ended, with the last lines of its log.
    pub fn exited_error(&self, exit: ChildExit) -> ProcessError {
        ProcessError::Exited {
            program: self.program.clone(),
            exit,
            log: log::tail(&self.log),
        }
    }

    /// Whether the child has ended. Its status is not taken.
    fn has_ended(&self) -> bool {
        let Some(pid) = self.group() else {
            return true;
        };
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(waitid(Id::Pid(pid), flags), Ok(WaitStatus::StillAlive))
    }

    /// Returns the process group, or `None` once the status was taken: from then on the
    /// number may belong to another process.
    fn group(&self) -> Option<Pid> {
        let pid = self.process.id()?;
        i32::try_from(pid).ok().map(Pid::from_raw)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // An ended child rejects the signal. tokio's `kill_on_drop` alone would reach
        // only the child, and not its process group.
        let _ = self.signal(Signal::SIGKILL);
    }
}
