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
//! The queues to sockets, and the outcomes, are in [`links`](super::links).
//!
//! - [`closed`]: users who wait for the answer, think and send again;
//! - [`open`]: messages on a fixed schedule;
//! - [`dispatch`]: a message that is due, up to its socket;
//! - [`socket_exchanges`]: the messages of one socket that have no answer yet.

pub mod closed;
pub mod dispatch;
pub mod open;
pub mod socket_exchanges;

pub use self::socket_exchanges::SocketExchanges;
