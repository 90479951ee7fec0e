//! Errors of child processes.

use std::{io, path::PathBuf, time::Duration};

use nix::{errno::Errno, sys::signal::Signal};
use thiserror::Error;

use super::ChildExit;

/// An error while starting, reading or signalling a child.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// The thread that starts children could not be started.
    #[error("cannot start the thread that starts child processes")]
    Thread(#[source] io::Error),
    /// The thread that starts children has ended.
    #[error("the thread that starts child processes has ended")]
    ThreadGone,
    /// The log file could not be opened.
    #[error("cannot open the log {path}", path = path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The program could not be started.
    #[error("cannot start {program}", program = program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The launch did not ask for a first line, or it was taken already.
    #[error("cannot wait for the first line of {program}: it was not asked for or is taken")]
    NoFirstLine {
        /// The program.
        program: String,
    },
    /// The child wrote no line in time.
    #[error("{program} wrote no line within {waited:?}{log}")]
    FirstLineTimeout {
        /// The program.
        program: String,
        /// The time limit.
        waited: Duration,
        /// The last lines of its log.
        log: LogTail,
    },
    /// The child ended before it wrote a line.
    #[error("{program} {exit}{log}")]
    Exited {
        /// The program.
        program: String,
        /// The way it ended.
        exit: ChildExit,
        /// The last lines of its log.
        log: LogTail,
    },
    /// The child has ended.
    #[error("cannot send {signal} to {program}: it has ended")]
    AlreadyExited {
        /// The program.
        program: String,
        /// The signal.
        signal: Signal,
    },
    /// The kernel rejected the signal.
    #[error("cannot send {signal} to {program}")]
    Signal {
        /// The program.
        program: String,
        /// The signal.
        signal: Signal,
        /// The cause.
        source: Errno,
    },
}

/// The last lines of a log, as the end of an error message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTail(pub Vec<String>);

impl std::fmt::Display for LogTail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return write!(f, "; its log is empty");
        }
        write!(f, "; the last lines of its log:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}
