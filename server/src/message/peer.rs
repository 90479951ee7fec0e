//! The three kinds of message between members.

use serde::{Deserialize, Serialize};

use super::{
    CommandReply, CommandRequest, DeviceLocation, Epoch, LoadReport, QueueMessage, QueueSendResult,
    RegistrationResult, Settlement,
};
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
    /// Node to slot owner: the messages of each queue that its subscribers may have in hand.
    QueueInterest(Vec<(String, u32)>),
}

/// A message that gets a [`ClusterResponse`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ClusterRequest {
    /// Owner to slot owner: these devices are connected here. A connection without an
    /// epoch is new; one with an epoch moved while it was being registered.
    Register(Vec<(DeviceId, Option<Epoch>)>),
    /// Slot owner to every node: list the devices that are connected to you.
    Pull(PullRequest),
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
    /// Sender's node to slot owner: store a message in a queue.
    QueueSend(String, QueueMessage),
    /// Slot owner to a node with subscribers: deliver a message of a queue, and answer when it
    /// is settled. The flag is set if it was delivered before.
    QueueDeliver(String, QueueMessage, bool),
}

/// A slot owner's request for the connections of one node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PullRequest {
    /// The version of the slot owner's view. A node with an older one answers no slot.
    pub(crate) version: u64,
    /// The wanted slots. Each has the digest of the node's connections that the slot owner
    /// has stored.
    pub(crate) slots: Vec<(u16, u64)>,
    /// The device after which the listing of the first slot goes on; `None` at its start.
    pub(crate) after: Option<DeviceId>,
}

/// The answer to a [`PullRequest`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct PulledSlots {
    /// The number of the wanted slots, in their order, that this answers in full.
    pub(crate) answered: u16,
    /// The slots whose digest differs. A last one beyond `answered` is listed in part.
    pub(crate) listed: Vec<ListedSlot>,
}

/// The connections of a node in one slot, ordered by device.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ListedSlot {
    pub(crate) slot: u16,
    pub(crate) connections: Vec<(DeviceId, Epoch)>,
}

/// The answers, in the order of the requests.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ClusterResponse {
    /// The results of a `Register`, one for each device, in its order.
    Registered(Vec<RegistrationResult>),
    Pulled(PulledSlots),
    Command(CommandReply),
    Located(DeviceLocation),
    /// `None` from a node that is not a member at the moment.
    Load(Option<LoadReport>),
    QueueSent(QueueSendResult),
    QueueSettled(Settlement),
}
