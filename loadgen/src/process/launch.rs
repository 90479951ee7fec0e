//! What to start.

use std::{ffi::OsString, path::PathBuf};

use nix::sys::signal::Signal;

/// A child process to start. Its standard input is empty and its standard
/// error goes to the log.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program; looked up in `PATH` if it has no slash.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables added to the environment of the harness.
    pub env: Vec<(OsString, OsString)>,
    /// Where standard error goes; created if need be, always appended to.
    pub log: PathBuf,
    /// Where standard output goes.
    pub stdout: Stdout,
    /// How much it gives way to the harness for a processor: added to the harness's
    /// own niceness, so that 0 is as much as the harness.
    pub niceness: u8,
    /// What the kernel sends it when the harness dies.
    pub parent_death_signal: Signal,
}

/// Where a child's standard output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdout {
    /// Its first line to [`Child::first_stdout_line`](super::Child::first_stdout_line),
    /// all of it to the log.
    FirstLine,
    /// All of it to the log.
    Log,
}

impl Launch {
    /// A launch with standard output in the log and nothing added to the
    /// environment.
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
            parent_death_signal: Signal::SIGKILL,
        }
    }

    /// The same launch with its first line of output to be asked for.
    #[must_use]
    pub fn with_first_line(self) -> Self {
        Self {
            stdout: Stdout::FirstLine,
            ..self
        }
    }

    /// The same launch of a process that gives way to the harness.
    #[must_use]
    pub fn with_niceness(self, niceness: u8) -> Self {
        Self { niceness, ..self }
    }

    /// The same launch of a program that starts processes of its own, and ends them
    /// when it is asked to end. SIGKILL would leave them to nobody.
    #[must_use]
    pub fn with_children(self) -> Self {
        Self {
            parent_death_signal: Signal::SIGTERM,
            ..self
        }
    }

    /// The same launch with one more environment variable.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The program's file name, for messages.
    pub(super) fn name(&self) -> String {
        let name = self.program.file_name();
        name.unwrap_or(self.program.as_os_str())
            .to_string_lossy()
            .into_owned()
    }
}
