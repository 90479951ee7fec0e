//! The description of a child to start.

use std::{ffi::OsString, num::NonZero, path::PathBuf, thread};

use nix::sys::signal::Signal;

/// The variable from which tokio takes the number of threads of a runtime.
const THREADS_VARIABLE: &str = "TOKIO_WORKER_THREADS";

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

    /// Limits the threads of the child's runtime to its part of the machine, as one of `count`
    /// like processes.
    ///
    /// All of them together have two threads per core, and each has one at least. A runtime has
    /// a thread per core otherwise. Eleven of these on two cores then wake one another for a
    /// tenth of the CPU time. A variable of the harness's own environment has precedence.
    #[must_use]
    pub fn with_threads_among(self, count: usize) -> Self {
        if std::env::var_os(THREADS_VARIABLE).is_some() {
            return self;
        }
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = threads_among(count, cores);
        self.with_env(THREADS_VARIABLE, threads.to_string())
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

/// Returns the threads of each of `count` like processes, a thread per core at most.
fn threads_among(count: usize, cores: usize) -> usize {
    (2 * cores).div_ceil(count.max(1)).clamp(1, cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_shared_among_like_processes() {
        for (count, cores, threads) in [
            (0, 2, 2),
            (1, 2, 2),
            (2, 2, 2),
            (3, 2, 2),
            (4, 2, 1),
            (11, 2, 1),
            (1, 16, 16),
            (4, 16, 8),
            (11, 16, 3),
            (100, 16, 1),
        ] {
            assert_eq!(threads_among(count, cores), threads, "{count} on {cores}");
        }
    }
}
