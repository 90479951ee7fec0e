//! The owner directory and the topics of a cluster.
//!
//! ```text
//!            register, unregister              owner of a device
//!  session ──► directory_client ──► slot owner: directory_partition ◄── command, locate
//!                                      ▲
//!  view ──► slots: device → slot → node┘  resync: pulls from the nodes after a change
//!
//!  publish ──► fan_out ──► backplane ──► fan_out at other nodes
//!                 └──► topics ──► topic_hub ──► write queues of devices
//! ```
//!
//! In reading order:
//!
//! - [`context`]: the handles that everything here uses; [`inbound`]: the messages of other nodes;
//! - the directory: [`slots`] maps a device to the node that stores its entry,
//!   [`directory_partition`] stores this node's entries with a [`device_map`] for each slot, and
//!   [`directory_client`] sends [`directory_update`]s in batches;
//! - a change of members: [`view_change`] finds the entries that may be outdated, [`pull_list`]
//!   notes them, [`resync`] asks the other nodes, and [`pull_answer`] answers; [`pull_counts`]
//!   tells registrations under way of these answers;
//! - [`command`] and [`locate`]: find a device by one [`routing`];
//! - sessions that opened without a backplane: [`unregistered_sessions`] holds them, and
//!   [`unregistered`] registers them later;
//! - [`session_end`]: removes a session from all of these;
//! - topics: messages pass [`fan_out`], [`topics`] and [`topic_hub`], and [`message_metrics`]
//!   counts them;
//! - [`queues`]: messages of which one subscriber gets each;
//! - tests: `fixture` builds clusters, and `fabric` counts the messages of a change of members.

pub(crate) mod command;
mod context;
mod device_map;
pub(crate) mod directory_client;
mod directory_partition;
mod directory_update;
#[cfg(test)]
mod fabric;
pub(crate) mod fan_out;
#[cfg(test)]
mod fixture;
pub(crate) mod inbound;
pub(crate) mod locate;
mod message_metrics;
mod pull_answer;
mod pull_counts;
mod pull_list;
#[cfg(feature = "stomp")]
pub(crate) mod queues;
pub(crate) mod resync;
mod routing;
mod session_end;
mod slots;
mod topic_hub;
mod topics;
pub(crate) mod unregistered;
mod unregistered_sessions;
mod view_change;

pub use self::routing::{Routing, UnknownRouting};
pub(crate) use self::{
    command::send_reply,
    context::ClusterContext,
    directory_update::DirectoryUpdate,
    fan_out::publish_from_device,
    message_metrics::MessageMetrics,
    session_end::{fail_pending, remove_session},
};
