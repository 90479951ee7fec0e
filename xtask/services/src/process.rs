//! One child process with its log.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use highwater_process::{Child, Launch, ProcessError, Signal, Spawner, error::LogTail, log};

use crate::ServiceError;

/// The process of a server. Its drop kills the process and waits for the end, so that
/// its port and its directory are free.
#[derive(Debug)]
pub(crate) struct ServiceProcess {
    child: Child,
    log: PathBuf,
}

impl ServiceProcess {
    /// Starts `command` with its output appended to `DIRECTORY/PROGRAM.log`.
    pub(crate) fn start(command: &Command, directory: &Path) -> Result<Self, ServiceError> {
        let program = PathBuf::from(command.get_program());
        let name = program.file_name().unwrap_or(program.as_os_str());
        let log = directory.join(name).with_added_extension("log");
        let mut launch = Launch::new(&program, command.get_args(), &log);
        for (name, value) in command.get_envs() {
            // No service removes a variable, which is what a missing value would mean.
            launch = launch.with_env(name, value.unwrap_or_default());
        }
        let child = spawner()?.spawn_blocking(launch)?;
        Ok(Self { child, log })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Returns the path of its log.
    pub(crate) fn log_path(&self) -> &Path {
        &self.log
    }

    pub(crate) fn log(&self) -> LogTail {
        log::tail(&self.log)
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<(), ServiceError> {
        Ok(self.child.signal(signal)?)
    }

    /// Returns an error if the process has ended.
    pub(crate) fn check(&mut self) -> Result<(), ServiceError> {
        match self.child.try_exit() {
            Some(exit) => Err(self.child.exited_error(exit).into()),
            None => Ok(()),
        }
    }
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        self.child.kill_blocking();
    }
}

/// Returns the one spawner of this process. Services are started from threads that end
/// with their test, so its thread lives as long as the process.
fn spawner() -> Result<&'static Spawner, ProcessError> {
    static SPAWNER: OnceLock<Spawner> = OnceLock::new();
    match SPAWNER.get() {
        Some(spawner) => Ok(spawner),
        // Two threads may both start one. The loser's ends at once, without children.
        None => {
            let spawner = Spawner::start()?;
            Ok(SPAWNER.get_or_init(|| spawner))
        }
    }
}
