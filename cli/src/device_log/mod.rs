//! The log of one device: each event as a line with its time, and the end in words.
//!
//! ```text
//! SocketEvent ─► log ─┬─► payload: a frame or a head in one line, cut, without secrets ─► stdout
//!                     └─► tally: what came, what did not ─► the end in words, the exit code
//! ```
//!
//! - [`log`]: the observer, and the layout of lines;
//! - [`payload`]: frames and heads as text;
//! - [`secrets`]: values that no line shows;
//! - [`tally`]: the result.

mod log;
mod payload;
mod secrets;
mod tally;

pub(crate) use self::{log::DeviceLog, secrets::Secrets};
