//! One connected device.
//!
//! In reading order: [`session`] (what the node knows of it), [`outbox`] (what
//! waits to be written), [`budget`] (what waits for all), [`waiting`] (commands
//! that wait for its reply), [`frame`] (its JSON), [`publish`] (its messages to
//! topics), [`connection`] (its one task), [`wheel`] (everybody's timeouts).

pub(crate) mod byte_budget;
pub(crate) mod connection;
pub(crate) mod frame;
pub(crate) mod pending_commands;
mod publish;
#[expect(
    clippy::module_inception,
    reason = "the folder is about sessions, the file is the session"
)]
pub(crate) mod session;
pub(crate) mod wheel;
pub(crate) mod write_queue;

pub(crate) use self::session::Session;
