//! Commands and their replies.

use serde::{Deserialize, Serialize};

use crate::id::{DeviceId, NodeId};

/// A command on its way to the node that owns the device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CommandRequest {
    pub(crate) device: DeviceId,
    pub(crate) name: String,
    /// JSON text.
    pub(crate) body: String,
    /// Time until the caller stops waiting, in milliseconds.
    pub(crate) timeout_ms: u32,
}

/// The result of a command at the node that got it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CommandReply {
    /// The device replied; `body` is JSON text.
    Replied { owner: NodeId, body: String },
    /// The node has no connection of the device.
    NotConnected,
    /// A newer connection of the device took over while the command waited.
    Replaced { owner: NodeId },
    /// The device's connection ended while the command waited.
    Disconnected { owner: NodeId },
    /// The limit of commands that wait for the device is reached.
    Busy { owner: NodeId },
    /// The slot owner does not know yet where the device is.
    Unknown,
}
