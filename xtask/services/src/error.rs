//! What can go wrong.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use nix::{errno::Errno, sys::signal::Signal};

/// Lines of a log that an error shows.
const TAIL_LINES: usize = 12;

/// Why a service is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// Its program is not on this machine.
    #[error("{program} is not on this machine (Debian: {package}); hint: {hint}")]
    ProgramMissing {
        /// The program.
        program: &'static str,
        /// Debian's package.
        package: &'static str,
        /// What to do next.
        hint: &'static str,
    },
    /// Packages cannot be installed.
    #[error("cannot install {packages}: {reason}; hint: {hint}")]
    Install {
        /// The packages, separated by spaces.
        packages: String,
        /// Why not.
        reason: String,
        /// What to do next.
        hint: &'static str,
    },
    /// Its directory or a file in it cannot be written.
    #[error("cannot write the files of {service}")]
    Files {
        /// The service.
        service: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Every port of the range is taken.
    #[error("no free port from {from} to {to} on 127.0.0.1")]
    NoPort {
        /// First of the range.
        from: u16,
        /// Last of the range.
        to: u16,
    },
    /// The program cannot be started.
    #[error("cannot start {program}")]
    Start {
        /// The program.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It ended by itself.
    #[error("{program} ended: {status}{log}")]
    Exited {
        /// The program.
        program: String,
        /// How.
        status: ExitStatus,
        /// The last lines of its log.
        log: ServiceLogTail,
    },
    /// It runs and does not answer.
    #[error("{service} does not answer after {waited:?}{log}")]
    NotReady {
        /// The service.
        service: &'static str,
        /// How long it had.
        waited: Duration,
        /// The last lines of its log.
        log: ServiceLogTail,
    },
    /// The service was killed and not started again.
    #[error("{service} is not running")]
    NotRunning {
        /// The service.
        service: &'static str,
    },
    /// The kernel refused a signal.
    #[error("cannot send {signal} to {program}")]
    Signal {
        /// The program.
        program: String,
        /// What it was to get.
        signal: Signal,
        /// Why not.
        source: Errno,
    },
    /// No service has that name.
    #[error(
        "unknown service {0:?}: expected redis, redis-cluster, nats, rabbitmq, nginx or haproxy"
    )]
    Unknown(String),
}

/// The last lines of a log, as the end of an error message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceLogTail(Vec<String>);

impl ServiceLogTail {
    /// Of the file at `path`; empty if it cannot be read.
    pub(crate) fn of(path: &Path) -> Self {
        let text = fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        let from = lines.len().saturating_sub(TAIL_LINES);
        Self(lines[from..].iter().map(|&line| line.to_owned()).collect())
    }
}

impl fmt::Display for ServiceLogTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("; its log is empty");
        }
        f.write_str("; the last lines of its log:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}
