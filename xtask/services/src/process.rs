//! One child process with its log.

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{ServiceError, error::ServiceLogTail, spawner};

/// A child; dropped, it is killed and gone.
#[derive(Debug)]
pub(crate) struct ServiceProcess {
    child: Child,
    program: String,
    log: PathBuf,
}

impl ServiceProcess {
    /// Starts `command` with its output appended to `DIRECTORY/PROGRAM.log`.
    pub(crate) fn start(mut command: Command, directory: &Path) -> Result<Self, ServiceError> {
        let path = PathBuf::from(command.get_program());
        let program = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned();
        let log = directory.join(format!("{program}.log"));
        let child = redirect(&mut command, &log)
            .and_then(|()| spawner::spawn(command))
            .map_err(|source| ServiceError::Start {
                program: path,
                source,
            })?;
        Ok(Self {
            child,
            program,
            log,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> ServiceLogTail {
        ServiceLogTail::of(&self.log)
    }

    /// Sends a signal; the child has not been waited for, so its number is still
    /// its own.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), ServiceError> {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        kill(pid, signal).map_err(|source| ServiceError::Signal {
            program: self.program.clone(),
            signal,
            source,
        })
    }

    /// The error that says how it ended, if it has.
    pub(crate) fn check(&mut self) -> Result<(), ServiceError> {
        match self.child.try_wait() {
            Ok(Some(status)) => Err(ServiceError::Exited {
                program: self.program.clone(),
                status,
                log: self.log(),
            }),
            Ok(None) | Err(_) => Ok(()),
        }
    }
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        // Both do nothing to a child that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn redirect(command: &mut Command, log: &Path) -> io::Result<()> {
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(())
}
