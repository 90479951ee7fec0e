//! The three kinds of message between members.

use serde::{Deserialize, Serialize};

use super::{CommandReply, CommandRequest, DeviceLocation, Epoch, LoadReport, RegistrationResult};
use crate::id::DeviceId;

/// A message that gets no answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ClusterNotification {
    /// Owner to slot owner: these connections ended.
    Unregister(Vec<(DeviceId, Epoch)>),
    /// Slot owner to owner: a newer connection of the device exists.
    Replaced(DeviceId, Epoch),
    /// Node to gateway: the node's load.
    Load(LoadReport),
}

/// A message that gets a [`ClusterResponse`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ClusterRequest {
    /// Owner to slot owner: these devices are connected here. A connection without an
    /// epoch is new; one with an epoch moves to a new slot owner.
    Register(Vec<(DeviceId, Option<Epoch>)>),
    /// Node to every node: all devices of the sender are registered in the view of that
    /// version.
    Synced(u64),
    /// Caller's node to slot owner: pass this command to the owner.
    Command(CommandRequest),
    /// Any node to a possible owner: deliver this command, if the device is connected there.
    Deliver(CommandRequest),
    /// Caller's node to slot owner: return the owner of the device.
    Locate(DeviceId),
    /// Any node to a possible owner: return whether the device is connected there.
    LocateLocal(DeviceId),
    /// Any node to another: return its load.
    Load,
}

/// The answers, in the order of the requests.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ClusterResponse {
    /// The results of a `Register`, one for each device, in its order.
    Registered(Vec<RegistrationResult>),
    Done,
    Command(CommandReply),
    Located(DeviceLocation),
    /// `None` from a node that is not a member at the moment.
    Load(Option<LoadReport>),
}
