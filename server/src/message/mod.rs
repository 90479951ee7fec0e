//! The messages that nodes and gateways exchange through the backplane, in postcard.
//!
//! ```text
//! caller's node ──command──► slot owner ──deliver──► owner of the device
//!       ▲                                                    │
//!       └───────────────────── command reply ────────────────┘
//! ```
//!
//! Reading order: `peer` holds the three kinds of message. `directory`, `command`, `load` and
//! `queue` hold their contents, and `topic` is a message of a topic. `epoch` orders the
//! connections of a device, `slot` sorts devices, `codec` turns messages into bytes.

mod codec;
mod command;
mod directory;
mod epoch;
mod load;
mod peer;
mod queue;
mod slot;
mod topic;

pub(crate) use self::{
    codec::{decode, encode},
    command::{CommandReply, CommandRequest},
    directory::{DeviceLocation, RegistrationResult},
    epoch::Epoch,
    load::LoadReport,
    peer::{
        ClusterNotification, ClusterRequest, ClusterResponse, ListedSlot, PullRequest, PulledSlots,
    },
    queue::{QueueMessage, QueueSendResult, Settlement},
    slot::{SLOTS, digest, hash, mix, slot_of},
    topic::TopicMessage,
};
