//! What nodes say to each other, in postcard.

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::epoch::Epoch;
use crate::id::{DeviceId, NodeId};

/// Wants no answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ClusterNotification {
    /// Owner to home: these connections ended.
    Unregister(Vec<(DeviceId, Epoch)>),
    /// Home to owner: a newer connection of the device exists.
    Replaced(DeviceId, Epoch),
    /// Node to gateway: what it carries.
    Load(LoadReport),
}

/// Wants an [`Answer`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ClusterRequest {
    /// Owner to home: these devices are here. Without an epoch the connection is
    /// new; with one it is known and moves to a new home.
    Register(Vec<(DeviceId, Option<Epoch>)>),
    /// To every home: all devices of the asking node are registered by the view of
    /// that version.
    Synced(u64),
    /// Caller to home: get this to the owner.
    Command(CommandRequest),
    /// To a node that may be the owner: you have the device, or you do not.
    Deliver(CommandRequest),
    /// Caller to home: who owns the device?
    Locate(DeviceId),
    /// To a node that may be the owner: do you own the device?
    LocateLocal(DeviceId),
    /// To any node: what do you carry?
    Load,
}

/// The answers, in the order of the questions.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ClusterResponse {
    Registered(Vec<RegistrationResult>),
    Done,
    Command(CommandReply),
    Located(DeviceLocation),
    /// `None` from a node that is no member at the moment.
    Load(Option<LoadReport>),
}

/// What a node carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LoadReport {
    /// Which life of the node this is: milliseconds since 1970 at its start.
    pub(crate) incarnation: u64,
    /// Open device sockets.
    pub(crate) sockets: u64,
    /// A load of the node's own making, in a unit that all nodes share; `None` where
    /// there is none.
    pub(crate) reported_load: Option<f64>,
    /// Whether it wants new sockets.
    pub(crate) accepts_sockets: bool,
}

/// A command on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CommandRequest {
    pub(crate) device: DeviceId,
    pub(crate) name: String,
    /// JSON text.
    pub(crate) body: String,
    /// What is left until the caller stops waiting.
    pub(crate) timeout_ms: u32,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CommandReply {
    /// `body` is JSON text.
    Replied {
        owner: NodeId,
        body: String,
    },
    NotConnected,
    /// A newer connection of the device took over while the command waited.
    Replaced {
        owner: NodeId,
    },
    /// The device's connection ended while the command waited.
    Disconnected {
        owner: NodeId,
    },
    /// Too many commands wait already.
    Busy {
        owner: NodeId,
    },
    /// The home does not know yet.
    Unknown,
}

/// What a home says to a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RegistrationResult {
    Accepted(Epoch),
    /// A newer connection exists.
    Superseded,
    /// Not now: the two nodes see different members.
    NotSlotOwner,
}

/// Where a device is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DeviceLocation {
    OnNode {
        owner: NodeId,
        epoch: Epoch,
    },
    NotConnected,
    /// Not every member has said which devices it has.
    Unknown,
}

/// To bytes.
pub(crate) fn encode<M: Serialize>(message: &M) -> Bytes {
    match postcard::to_stdvec(message) {
        Ok(bytes) => bytes.into(),
        Err(error) => unreachable!("a message that cannot be encoded: {error}"),
    }
}

/// From bytes; `None` when not understood.
pub(crate) fn decode<M: DeserializeOwned>(bytes: &[u8]) -> Option<M> {
    postcard::from_bytes(bytes)
        .inspect_err(|error| tracing::warn!(%error, "a message that is not understood"))
        .ok()
}
