//! Queues to open sockets, for the users that have work for them.
//!
//! ```text
//! exchanges::dispatch, commands::recipient ──► DeviceLinks ──► Senders ──► DeviceLink
//!                                               one per load               one per open socket
//! ```
//!
//! All sockets of a batch are futures of one task, so no message can be sent from elsewhere.
//! A [`DeviceLink`] is a queue that wakes the one socket it belongs to. Sockets of pools
//! without such traffic have none, and poll nothing.
//!
//! - [`device_links`], [`senders`]: the open sockets that each load can use;
//! - [`device_link`]: the queue to one open socket;
//! - [`outcome`]: the outcomes of messages, and how they are counted.

pub mod device_link;
pub mod device_links;
pub mod outcome;
pub mod senders;

pub use self::{
    device_link::{AwaitedReply, DeviceLink, LinkItem, QueuedMessage},
    device_links::DeviceLinks,
    outcome::{Completion, ExchangeOutcome},
    senders::Senders,
};
