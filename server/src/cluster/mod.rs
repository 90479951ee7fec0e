//! Which node owns which device, and how a command gets there.
//!
//! In reading order: [`epoch`] (which connection is newer), [`slots`] (which node
//! keeps a device's entry), [`home`] (the entries kept here), [`message`] (what
//! nodes say to each other), [`directory_client`] (telling the homes, in batches),
//! [`resync`] (telling them again when members change), [`inbound`] (what others
//! ask of this node), [`command`] (the way of a command), [`fan_out`] (messages to
//! topics), [`topics`] (who subscribes), [`room`] (how each of them gets a message).

pub(crate) mod command;
pub(crate) mod directory_client;
pub(crate) mod directory_partition;
pub(crate) mod fan_out;
pub(crate) mod inbound;
pub(crate) mod locate;
pub(crate) mod resync;
mod routing;
pub(crate) mod slots;
mod state;
pub(crate) mod topic_hub;
pub(crate) mod topics;

pub use self::routing::{Routing, UnknownRouting};
pub(crate) use self::{command::send_reply, state::ClusterState};
