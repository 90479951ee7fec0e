//! How a command can end: each in exactly one of these ways.

use highwater_reports::record::names::counter;

use crate::worker::recorder::{Count, Recorder};

/// The end of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandResult {
    /// 2xx with the reply.
    Replied {
        /// Which way it took.
        route: ReplyRoute,
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
    Failed(CommandFailure),
}

/// Which way a reply took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyRoute {
    /// The node that took the call owned the socket.
    SameNode,
    /// Another node owned the socket.
    CrossNode,
    /// The system does not say.
    Unknown,
}

/// Why a command failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandFailure {
    /// An unexpected HTTP status.
    Status(u16),
    /// No connection, or a broken one.
    Connection,
    /// A 2xx without the reply to this very command.
    WrongReply,
}

impl CommandResult {
    /// What an HTTP status other than 2xx means.
    pub fn from_status(status: u16) -> Self {
        match status {
            404 | 409 => Self::NotConnected,
            429 | 503 => Self::Rejected,
            504 => Self::TimedOut,
            other => Self::Failed(CommandFailure::Status(other)),
        }
    }

    /// Counts it.
    pub fn count(&self, recorder: &Recorder) {
        match self {
            Self::Replied { route: path, .. } => {
                recorder.count(Count::CommandsReplied);
                match path {
                    ReplyRoute::SameNode => recorder.count(Count::CommandsSameNode),
                    ReplyRoute::CrossNode => recorder.count(Count::CommandsCrossNode),
                    ReplyRoute::Unknown => {}
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

impl CommandFailure {
    /// As in `commands.failed.KIND`.
    pub fn kind(self) -> String {
        match self {
            Self::Status(status) => format!("status_{status}"),
            Self::Connection => "connection".to_owned(),
            Self::WrongReply => "wrong_reply".to_owned(),
        }
    }
}
