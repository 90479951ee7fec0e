//! Messages that devices send over their own sockets, and the frames that answer them; also
//! the replies to commands that come as frames.
//!
//! ```text
//! roles::UserRole ──► closed.rs │ open.rs            when a message is due
//!                           │
//!                           ▼
//! commands::call       dispatch.rs ◄── DeviceLinks    to a random connected device
//!      │                    │
//!      └───────────► DeviceLink ◄── one per open socket, of pools with such traffic alone
//!                           │ wakes the session
//!                           ▼
//! devices::session ──► SocketExchanges ──► outcome.rs    sent, answered, timed out, lost
//! ```
//!
//! All sockets of a batch are futures of one task, so no message can be sent from elsewhere.
//! A [`DeviceLink`] is a queue that wakes the one socket it belongs to. Sockets of other pools
//! have none, and poll nothing.
//!
//! - [`closed`]: users who wait for the answer, think and send again;
//! - [`open`]: messages on a fixed schedule;
//! - [`dispatch`]: a message that is due, up to its socket;
//! - [`device_links`], [`senders`]: the open sockets that each load can use;
//! - [`device_link`]: the queue to one open socket;
//! - [`socket_exchanges`]: the messages of one socket that have no answer yet;
//! - [`outcome`]: the outcomes of messages, and how they are counted.

pub mod closed;
pub mod device_link;
pub mod device_links;
pub mod dispatch;
pub mod open;
pub mod outcome;
pub mod senders;
pub mod socket_exchanges;

pub use self::{
    device_link::{AwaitedReply, DeviceLink, LinkItem, QueuedMessage},
    device_links::DeviceLinks,
    outcome::{Completion, ExchangeOutcome},
    senders::Senders,
    socket_exchanges::SocketExchanges,
};
