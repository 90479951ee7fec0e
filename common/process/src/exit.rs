//! The ways in which a child ends.

use std::{fmt, io, os::unix::process::ExitStatusExt, process::ExitStatus};

use nix::sys::signal::Signal;

/// The way in which a child ended. Its text is a predicate: `exited with status 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildExit {
    /// The child exited with this status.
    Status(i32),
    /// This signal killed the child.
    Signal(i32),
    /// The status is lost, because other code of this process took it.
    Unknown,
}

impl ChildExit {
    /// Whether the child exited with status 0.
    pub fn success(self) -> bool {
        self == Self::Status(0)
    }

    /// Returns the exit code, or `None` if a signal killed the child or its status is
    /// lost.
    pub fn code(self) -> Option<i32> {
        match self {
            Self::Status(code) => Some(code),
            Self::Signal(_) | Self::Unknown => None,
        }
    }

    pub(super) fn from_wait(waited: io::Result<ExitStatus>) -> Self {
        // waitpid fails with ECHILD once other code has taken the status.
        waited.map_or(Self::Unknown, Self::from)
    }
}

impl From<ExitStatus> for ChildExit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Status(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Unknown,
        }
    }
}

impl fmt::Display for ChildExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => write!(f, "exited with status {code}"),
            Self::Signal(number) => match Signal::try_from(*number) {
                Ok(signal) => write!(f, "was killed by {signal}"),
                // nix does not name real-time signals.
                Err(_) => write!(f, "was killed by signal {number}"),
            },
            Self::Unknown => write!(f, "ended with an unknown status"),
        }
    }
}
