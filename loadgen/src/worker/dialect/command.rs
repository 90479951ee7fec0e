//! A command to send, and the result of waiting for its reply.

use std::time::Duration;

use crate::worker::node_name::parse_node_name;

/// A command as a dialect gets it.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingCommand<'a> {
    /// Name of the command.
    pub name: &'a str,
    /// A random text that the reply to this very command carries back.
    pub nonce: &'a str,
    /// Time after which the caller gives up.
    pub timeout: Duration,
}

/// The nodes that a reply names.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ReplyNodes {
    /// The node that took the call.
    pub node: Option<String>,
    /// The node that owned the device's socket.
    pub owner: Option<String>,
}

/// The result of waiting for a reply.
#[derive(Debug, PartialEq, Eq)]
pub enum ReplyResult {
    /// The reply to this very command.
    Reply(ReplyNodes),
    /// A 2xx response without the reply to this very command.
    WrongReply,
    /// An HTTP status that came within an event stream.
    Status(u16),
    /// The connection broke, or the body was longer than the limit.
    ConnectionBroken,
}

impl OutgoingCommand<'_> {
    /// Returns the command as JSON text, its nonce in the body.
    pub fn json_body(&self) -> String {
        // The name is any text of the scenario, so that it is quoted as JSON.
        let name = serde_json::Value::from(self.name);
        format!(r#"{{"name":{name},"body":{{"nonce":"{}"}}}}"#, self.nonce)
    }
}

impl ReplyNodes {
    /// Fills in from `other` the nodes that `self` does not name.
    pub fn or(self, other: Self) -> Self {
        Self {
            node: self.node.or(other.node),
            owner: self.owner.or(other.owner),
        }
    }

    /// Returns the owner's name if it may stand in a metric's tag.
    pub fn owner_name(&self) -> Option<&str> {
        parse_node_name(self.owner.as_deref()?.as_bytes())
    }
}

/// The meaning of an HTTP status other than 2xx for a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusMeaning {
    /// The device was not connected, or its socket was replaced meanwhile.
    NotConnected,
    /// The system shed the command and did no work.
    Rejected,
    /// The system gave up waiting for the device.
    TimedOut,
    /// The dialect gives the status no meaning.
    Unexpected,
}
