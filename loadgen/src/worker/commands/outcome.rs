//! How a command can end: each in exactly one of these ways.

use highwater_reports::record::names::counter;

use crate::worker::recorder::{Count, Recorder};

/// The end of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// 2xx with the reply.
    Replied {
        /// Which way it took.
        path: Path,
        /// The node that owned the socket, where the answer names it.
        owner: Option<String>,
    },
    /// 504, or nothing by the timeout.
    TimedOut,
    /// 404: no such device is connected; 409: its socket was replaced meanwhile.
    NotConnected,
    /// 429 or 503.
    Rejected,
    /// Anything else; the KIND of `commands.failed.KIND`.
    Failed(Failure),
}

/// Which way a reply took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// The node that took the call owned the socket.
    SameNode,
    /// Another node owned the socket.
    CrossNode,
    /// The system does not say.
    Unknown,
}

/// Why a command failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// An unexpected HTTP status.
    Status(u16),
    /// No connection, or a broken one.
    Connection,
    /// A 2xx without the reply to this very command.
    WrongReply,
}

impl Outcome {
    /// What an HTTP status other than 2xx means.
    pub fn of_status(status: u16) -> Self {
        match status {
            404 | 409 => Self::NotConnected,
            429 | 503 => Self::Rejected,
            504 => Self::TimedOut,
            other => Self::Failed(Failure::Status(other)),
        }
    }

    /// Counts it.
    pub fn count(&self, recorder: &Recorder) {
        match self {
            Self::Replied { path, .. } => {
                recorder.count(Count::CommandsReplied);
                match path {
                    Path::SameNode => recorder.count(Count::CommandsSameNode),
                    Path::CrossNode => recorder.count(Count::CommandsCrossNode),
                    Path::Unknown => {}
                }
            }
            Self::TimedOut => recorder.count(Count::CommandsTimedOut),
            Self::NotConnected => recorder.count(Count::CommandsNotConnected),
            Self::Rejected => recorder.count(Count::CommandsRejected),
            Self::Failed(failure) => {
                recorder.count(Count::CommandsFailed);
                recorder.count_kind(counter::COMMANDS_FAILED, &failure.kind());
            }
        }
    }
}

impl Failure {
    /// As in `commands.failed.KIND`.
    pub fn kind(self) -> String {
        match self {
            Self::Status(status) => format!("status-{status}"),
            Self::Connection => "connection".to_owned(),
            Self::WrongReply => "wrong-reply".to_owned(),
        }
    }
}
