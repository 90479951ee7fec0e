//! The results of commands: each command has exactly one.
//!
//! ```text
//! 2xx with its reply ──────────────────────────► Replied
//! StatusMeaning::NotConnected ─────────────────► NotConnected
//! StatusMeaning::Rejected ─────────────────────► Rejected
//! StatusMeaning::TimedOut,
//! or nothing by the timeout ───────────────────► TimedOut
//! any other status, a broken connection,
//! a 2xx without the reply ─────────────────────► Failed
//! ```
//!
//! The dialect says what a status means.

use highwater_reports::record::{FailureExample, names::counter};

use crate::{
    keys::DeviceKey,
    worker::{
        context::Context,
        dialect::{Dialect, ReplyNodes, StatusMeaning},
        recorder::{Count, Timing},
    },
};

/// The result of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandResult {
    /// The reply came.
    Replied {
        /// The route that the command took.
        route: ReplyRoute,
        /// The node that owned the device's socket, where the answer names it.
        owner: Option<String>,
    },
    /// The system or the caller ran out of time.
    TimedOut,
    /// The device was not connected, or its socket was replaced meanwhile.
    NotConnected,
    /// The system shed the command.
    Rejected,
    /// The command failed in another way.
    Failed(CommandFailure),
}

/// The route that a command took through the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyRoute {
    /// The node that took the call owned the socket.
    SameNode,
    /// Another node owned the socket.
    CrossNode,
    /// The answer does not name both nodes.
    Unknown,
}

/// The cause of a failed command: the KIND of `commands.failed.KIND`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandFailure {
    /// An unexpected HTTP status.
    Status(u16),
    /// No connection, or a broken one.
    Connection,
    /// A 2xx response without the reply to this very command.
    WrongReply,
    /// A value of the device cannot be sent in a header field.
    InvalidValue,
}

impl CommandResult {
    /// Returns the result that an HTTP status other than 2xx stands for in `dialect`.
    pub fn from_status(dialect: &dyn Dialect, status: u16) -> Self {
        match dialect.status_meaning(status) {
            StatusMeaning::NotConnected => Self::NotConnected,
            StatusMeaning::Rejected => Self::Rejected,
            StatusMeaning::TimedOut => Self::TimedOut,
            StatusMeaning::Unexpected => Self::Failed(CommandFailure::Status(status)),
        }
    }

    /// Counts the result, with an example that may be kept.
    pub fn count(
        &self,
        context: &Context,
        device: DeviceKey,
        example: impl FnOnce() -> FailureExample,
    ) {
        let (count, counter) = match self {
            Self::Replied { .. } => return context.recorder.count(Count::CommandsReplied),
            Self::TimedOut => (Count::CommandsTimedOut, counter::COMMANDS_TIMED_OUT),
            Self::NotConnected => (Count::CommandsNotConnected, counter::COMMANDS_NOT_CONNECTED),
            Self::Rejected => (Count::CommandsRejected, counter::COMMANDS_REJECTED),
            Self::Failed(failure) => {
                context.recorder.count(Count::CommandsFailed);
                let family = counter::COMMANDS_FAILED;
                return context.count_device_failure(device, family, &failure.kind(), example);
            }
        };
        context.recorder.count(count);
        context.record_example(device, counter, example);
    }
}

impl ReplyRoute {
    /// Returns the route between the nodes that a reply names.
    pub fn between(nodes: &ReplyNodes) -> Self {
        match (&nodes.node, &nodes.owner) {
            (Some(node), Some(owner)) if node == owner => Self::SameNode,
            (Some(_), Some(_)) => Self::CrossNode,
            _ => Self::Unknown,
        }
    }

    /// Returns the counter and the timing of replies that took this route.
    pub fn metrics(self) -> Option<(Count, Timing)> {
        match self {
            Self::SameNode => Some((Count::CommandsSameNode, Timing::CommandSameNode)),
            Self::CrossNode => Some((Count::CommandsCrossNode, Timing::CommandCrossNode)),
            Self::Unknown => None,
        }
    }
}

impl CommandFailure {
    /// Returns the KIND of `commands.failed.KIND`.
    pub fn kind(self) -> String {
        match self {
            Self::Status(status) => format!("status_{status}"),
            Self::Connection => "connection".to_owned(),
            Self::WrongReply => "wrong_reply".to_owned(),
            Self::InvalidValue => "invalid_value".to_owned(),
        }
    }
}
