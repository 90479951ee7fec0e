//! A running child.

use std::{path::PathBuf, time::Duration};

use nix::{
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

use super::{ChildExit, Launch, ProcessError, Spawner, log};

/// A child process. It owns the process: dropped, it kills its whole process
/// group, and the runtime takes its exit status.
#[derive(Debug)]
pub struct Child {
    process: tokio::process::Child,
    pid: u32,
    exit: Option<ChildExit>,
    first_line: Option<oneshot::Receiver<String>>,
    program: String,
    log: PathBuf,
    /// Keeps the thread alive that started the process, and thereby the
    /// process itself.
    _spawner: Spawner,
}

impl Child {
    pub(super) fn new(
        process: tokio::process::Child,
        first_line: Option<oneshot::Receiver<String>>,
        launch: Launch,
        spawner: Spawner,
    ) -> Self {
        Self {
            // A process that nobody has waited for yet always has its id.
            pid: process.id().unwrap_or_default(),
            exit: None,
            first_line,
            program: launch.name(),
            log: launch.log,
            process,
            _spawner: spawner,
        }
    }

    /// Its process id, which is also the id of its process group. Once the
    /// child has ended, the system may give it to another process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The first line of its standard output, without the line end.
    ///
    /// # Errors
    ///
    /// [`ProcessError::NoFirstLine`] if the launch did not ask for it or it was
    /// taken before, [`ProcessError::Exited`] if the child ended first,
    /// [`ProcessError::Silent`] if neither came in `within`.
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
    /// [`ProcessError::Gone`] if the child has ended,
    /// [`ProcessError::Signal`] if the kernel refuses.
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

    /// Whether it has not ended yet; a stopped child runs.
    pub fn is_running(&mut self) -> bool {
        self.try_exit().is_none()
    }

    /// How it ended, if it has. What it has left behind in its process group is killed
    /// before its status is taken: until then the number is the group's.
    pub fn try_exit(&mut self) -> Option<ChildExit> {
        if self.exit.is_none() && self.has_ended() {
            let _ = self.signal(Signal::SIGKILL);
            self.exit = self
                .process
                .try_wait()
                .transpose()
                .map(ChildExit::from_wait);
        }
        self.exit
    }

    /// Waits until it has ended, but no longer than `within`; `None` if it is
    /// still there.
    pub async fn wait(&mut self, within: Duration) -> Option<ChildExit> {
        if self.exit.is_none() {
            let waited = timeout(within, self.process.wait()).await;
            self.exit = waited.ok().map(ChildExit::from_wait);
        }
        self.exit
    }

    /// Ends the child: SIGTERM, SIGCONT in case it is stopped, and SIGKILL if
    /// it is still there after `grace`.
    pub async fn stop(&mut self, grace: Duration) -> ChildExit {
        // A refused signal means that it is gone, which the wait finds out.
        let _ = self.signal(Signal::SIGTERM);
        let _ = self.signal(Signal::SIGCONT);
        match self.wait(grace).await {
            Some(exit) => exit,
            None => self.kill().await,
        }
    }

    /// Ends the child with SIGKILL, without notice.
    pub async fn kill(&mut self) -> ChildExit {
        let _ = self.signal(Signal::SIGKILL);
        let exit = match self.exit {
            Some(exit) => exit,
            None => ChildExit::from_wait(self.process.wait().await),
        };
        self.exit = Some(exit);
        exit
    }

    /// The error that says how it ended, with the last lines of its log.
    pub fn exited_error(&self, exit: ChildExit) -> ProcessError {
        ProcessError::Exited {
            program: self.program.clone(),
            exit,
            log: log::tail(&self.log),
        }
    }

    /// Whether it has ended; its status stays to be taken.
    fn has_ended(&self) -> bool {
        let Some(pid) = self.group() else {
            return true;
        };
        let looks = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(waitid(Id::Pid(pid), looks), Ok(WaitStatus::StillAlive))
    }

    /// Its process group; none once its status was taken, because from then on
    /// the number may belong to somebody else.
    fn group(&self) -> Option<Pid> {
        let pid = self.process.id()?;
        i32::try_from(pid).ok().map(Pid::from_raw)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.signal(Signal::SIGKILL);
    }
}
