//! The owner directory and the topics of a cluster.
//!
//! ```text
//!            register, unregister              owner of a device
//!  session ──► directory_client ──► slot owner: directory_partition ◄── command, locate
//!                                      ▲
//!  view ──► slots: device → slot → node┘  resync: registers again after a change
//!
//!  publish ──► fan_out ──► backplane ──► fan_out at other nodes
//!                 └──► topics ──► topic_hub ──► write queues of devices
//! ```
//!
//! Reading order: [`context`] holds the handles that everything here uses. [`slots`] maps
//! a device to the node that stores its entry, [`directory_partition`] stores this node's
//! entries, [`directory_client`] sends [`directory_update`]s in batches, [`resync`] repeats
//! them when members change. [`command`] and [`locate`] find a device by one [`routing`],
//! [`session_end`] undoes all of it for a session. Messages pass
//! [`fan_out`], [`topics`] and [`topic_hub`], and [`message_metrics`] counts them.
//! [`inbound`] handles the messages of other nodes.

pub(crate) mod command;
mod context;
pub(crate) mod directory_client;
mod directory_partition;
mod directory_update;
pub(crate) mod fan_out;
#[cfg(test)]
mod fixture;
pub(crate) mod inbound;
pub(crate) mod locate;
mod message_metrics;
pub(crate) mod resync;
mod routing;
mod session_end;
mod slots;
mod topic_hub;
mod topics;

pub use self::routing::{Routing, UnknownRouting};
pub(crate) use self::{
    command::send_reply,
    context::ClusterContext,
    directory_update::DirectoryUpdate,
    fan_out::publish_from_device,
    message_metrics::MessageMetrics,
    session_end::{fail_pending, remove_session},
};
