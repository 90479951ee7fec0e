//! The languages of systems under test.
//!
//! A dialect turns what the harness wants to say into frames and requests, and frames
//! and replies of the system into what they mean. It counts nothing, keeps no state and
//! does no I/O. One value per dialect serves all sockets of a worker, so that a socket
//! carries nothing for it.
//!
//! ```text
//! devices::connect ── device_address, upgrade_header_lines ──►┐
//! devices::session ── heartbeat_frame, decode ───────────────►│
//! devices::telemetry ── TelemetryDialect ────────────────────►│ dyn Dialect ◄── for_plan ◄── plan::Dialect
//! messages ── TopicDialect ──────────────────────────────────►│  │
//! commands ── command_request, decode_reply ─────────────────►┘  └─ highwater.rs, plain.rs, …
//! ```
//!
//! - [`interface`]: the traits that a dialect implements;
//! - [`incoming`]: the meanings of frames that a device receives;
//! - [`command`]: a command to send and the result of waiting for its reply;
//! - [`highwater`]: the JSON frames of the reference server;
//! - [`plain`]: pings and plain HTTP, for any WebSocket server.
//!
//! # How to add a dialect
//!
//! Three places, and no other file names a dialect:
//!
//! 1. `scenarios/src/plan/target.rs`: a variant of `plan::Dialect`, and its features. The
//!    word in scenarios is the variant's name. The compiler then demands step 3.
//! 2. `worker/dialect/NAME.rs`: a unit struct that implements [`Dialect`]. [`plain`] is
//!    the shortest start: it decodes pongs and takes every default. Topics and telemetry
//!    are traits of their own; a dialect without them inherits `None`.
//! 3. This file: a `mod` line, and a line in [`for_plan`].
//!
//! Tests of a dialect are unit tests of its file: text in, meaning out. Its frames are
//! bytes from elsewhere, so `fuzzing/device.rs` gets a line as well.

pub mod command;
pub mod highwater;
pub mod incoming;
pub mod interface;
pub mod plain;

use highwater_scenarios::plan;

pub use command::{OutgoingCommand, ReplyNodes, ReplyResult, StatusMeaning};
pub use incoming::{Incoming, MAX_SERVER_DELAY, ReconnectAdvice, TelemetryAck};
pub use interface::{Dialect, TelemetryDialect, TopicDialect};

/// Returns the dialect that a plan names: the registry, with one line per dialect.
pub fn for_plan(dialect: plan::Dialect) -> &'static dyn Dialect {
    match dialect {
        plan::Dialect::Highwater => &highwater::Highwater,
        plan::Dialect::Plain => &plain::Plain,
    }
}
