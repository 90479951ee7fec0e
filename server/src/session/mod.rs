//! The device sockets of a node.
//!
//! ```text
//!  socket ──► connection ──► frame ──► handler (the node): commands, topics, telemetry
//!    ▲             ▲                        │
//!    └─ pong ──────┤                        ▼
//!                  └── write_queue ◄── frames to the device
//!
//!  registry: device → session          wheel: timeouts of all sessions
//! ```
//!
//! Reading order: [`session`] is the state of one device socket, with its
//! [`write_queue`], its [`pending_commands`], its [`subscription`]s and its
//! `rate_window`; [`frame`] holds the JSON; [`connection`] is the task that reads and writes
//! within its `frame_rate`, and calls a [`handler`]; a [`protocol`] replaces frames and signs of life for sockets
//! that are not of devices;
//! [`registry`] finds sessions by device, [`wheel`] runs their timers,
//! [`byte_budget`] and [`metrics`] add up over all of them; [`context`] holds these
//! together.

pub(crate) mod byte_budget;
pub(crate) mod connection;
pub(crate) mod context;
pub(crate) mod frame;
mod frame_rate;
pub(crate) mod handler;
pub(crate) mod metrics;
pub(crate) mod pending_commands;
pub(crate) mod protocol;
mod rate_window;
pub(crate) mod registry;
#[expect(
    clippy::module_inception,
    reason = "the folder is about sessions, the file is the session"
)]
pub(crate) mod session;
pub(crate) mod subscription;
pub(crate) mod wheel;
pub(crate) mod write_queue;

pub(crate) use self::{context::SessionContext, session::Session};
