//! How a child ended.

use std::{fmt, io, os::unix::process::ExitStatusExt, process::ExitStatus};

use nix::sys::signal::Signal;

/// How a child ended; `Display` gives a verb: `exited with status 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildExit {
    /// By itself, with this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
    /// Somebody else took its status.
    Unknown,
}

impl ChildExit {
    /// Whether it ended by itself with status 0.
    pub fn success(self) -> bool {
        self == Self::Status(0)
    }

    /// The exit code; none if a signal ended it or nobody knows.
    pub fn code(self) -> Option<i32> {
        match self {
            Self::Status(code) => Some(code),
            Self::Signal(_) | Self::Unknown => None,
        }
    }

    pub(super) fn from_wait(waited: io::Result<ExitStatus>) -> Self {
        let Ok(status) = waited else {
            return Self::Unknown;
        };
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
                Err(_) => write!(f, "was killed by signal {number}"),
            },
            Self::Unknown => write!(f, "ended with an unknown status"),
        }
    }
}
