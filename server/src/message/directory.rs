//! Answers of the owner directory.

use serde::{Deserialize, Serialize};

use super::Epoch;
use crate::id::NodeId;

/// The slot owner's answer to a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RegistrationResult {
    /// The device is registered under this epoch.
    Accepted(Epoch),
    /// A newer connection of the device exists.
    Superseded,
    /// The two nodes see different members. The registration can be tried again.
    NotSlotOwner,
}

/// The place where a device is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DeviceLocation {
    /// The device is connected to `owner`.
    OnNode { owner: NodeId, epoch: Epoch },
    /// The device is connected to no node.
    NotConnected,
    /// The location is not known: the slot owner has yet to learn the connections of some
    /// node.
    Unknown,
}
