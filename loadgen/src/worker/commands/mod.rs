//! HTTP command traffic of the steady phase.
//!
//! - [`closed`]: users who wait for the reply and think;
//! - [`open`]: arrivals on a schedule;
//! - [`call`]: one command from its due time to its outcome;
//! - [`reply`]: the reply, in an HTTP response or on an event stream;
//! - [`outcome`]: the closed list of ends.

pub mod call;
pub mod closed;
pub mod open;
pub mod outcome;
pub mod reply;

pub use outcome::CommandResult;
