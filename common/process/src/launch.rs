//! The description of a child to start.

use std::{ffi::OsString, path::PathBuf};

use nix::sys::signal::Signal;

/// The description of a child process to start. Its standard input is empty, and its
/// standard error goes to the log.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program, which is looked up in `PATH` if it has no slash.
    pub program: PathBuf,
    /// The arguments.
    pub args: Vec<OsString>,
    /// The variables to add to the environment of the harness.
    pub env: Vec<(OsString, OsString)>,
    /// The file that standard error is appended to. It is created if it is missing.
    pub log: PathBuf,
    /// The destination of standard output.
    pub stdout: Stdout,
    /// The increment over the niceness of the harness. If it is positive, the harness gets
    /// the CPU before the child.
    pub niceness: u8,
    /// The signal that the kernel sends the child when the harness dies.
    pub parent_death_signal: Signal,
}

/// The destination of a child's standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdout {
    /// The log, with the first line also for
    /// [`Child::first_stdout_line`](super::Child::first_stdout_line).
    FirstLine,
    /// The log alone.
    Log,
}

impl Launch {
    /// Returns a launch with standard output in the log and the environment of the
    /// harness.
    pub fn new(
        program: impl Into<PathBuf>,
        args: impl IntoIterator<Item = impl Into<OsString>>,
        log: impl Into<PathBuf>,
    ) -> Self {
        Self {
            program: program.into(),
            args: args.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            log: log.into(),
            stdout: Stdout::Log,
            niceness: 0,
            // SIGKILL also ends a process that SIGSTOP has stopped, which SIGTERM does not.
            parent_death_signal: Signal::SIGKILL,
        }
    }

    /// Makes the first line of standard output available to the caller.
    #[must_use]
    pub fn with_first_line(self) -> Self {
        Self {
            stdout: Stdout::FirstLine,
            ..self
        }
    }

    /// Sets the increment over the niceness of the harness.
    #[must_use]
    pub fn with_niceness(self, niceness: u8) -> Self {
        Self { niceness, ..self }
    }

    /// Makes the kernel send SIGTERM when the harness dies, for a program that ends its own
    /// child processes on SIGTERM.
    ///
    /// SIGKILL would end the program alone and leave its child processes running.
    #[must_use]
    pub fn with_children(self) -> Self {
        Self {
            parent_death_signal: Signal::SIGTERM,
            ..self
        }
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Returns the program's file name, for messages.
    pub(super) fn name(&self) -> String {
        let name = self.program.file_name();
        name.unwrap_or(self.program.as_os_str())
            .to_string_lossy()
            .into_owned()
    }
}
