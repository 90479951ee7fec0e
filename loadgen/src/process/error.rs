//! What can go wrong with a child process.

use std::{io, path::PathBuf, time::Duration};

use nix::{errno::Errno, sys::signal::Signal};
use thiserror::Error;

use super::ChildExit;

/// Why a child could not be started, asked or signalled.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// The thread that starts children could not be started.
    #[error("cannot start the thread that starts child processes")]
    Thread(#[source] io::Error),
    /// The thread that starts children is gone.
    #[error("the thread that starts child processes has ended")]
    ThreadGone,
    /// The log file could not be opened.
    #[error("cannot open the log {path}", path = path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The program could not be started.
    #[error("cannot start {program}", program = program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The launch did not ask for a first line, or it was taken already.
    #[error("there is no first line of {program} to wait for")]
    NoFirstLine {
        /// The program.
        program: String,
    },
    /// The child wrote no line in time.
    #[error("{program} wrote no line within {waited:?}{log}")]
    FirstLineTimeout {
        /// The program.
        program: String,
        /// How long it had.
        waited: Duration,
        /// The last lines of its log; empty if there are none.
        log: LogTail,
    },
    /// The child ended before it wrote a line.
    #[error("{program} {exit}{log}")]
    Exited {
        /// The program.
        program: String,
        /// How it ended.
        exit: ChildExit,
        /// The last lines of its log; empty if there are none.
        log: LogTail,
    },
    /// The child is not there any more.
    #[error("{program} has ended and cannot get {signal}")]
    AlreadyExited {
        /// The program.
        program: String,
        /// What it was to get.
        signal: Signal,
    },
    /// The kernel refused the signal.
    #[error("cannot send {signal} to {program}")]
    Signal {
        /// The program.
        program: String,
        /// What it was to get.
        signal: Signal,
        /// Why not.
        source: Errno,
    },
}

/// The last lines of a child's log, as the end of an error message.
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
