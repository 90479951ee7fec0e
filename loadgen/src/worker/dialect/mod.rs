//! The languages of systems under test.
//!
//! A dialect turns what the harness wants to say into frames and requests, and frames
//! and replies of the system into what they mean. It counts nothing, keeps no state and
//! does no I/O. One value per dialect serves all sockets of a worker, so that a socket
//! carries nothing for it.
//!
//! ```text
//! devices::connect ── upgrade_header_lines ───────────────────►┐
//! devices::session ── heartbeat_frame, decode ───────────────►│
//! devices::telemetry ── telemetry_frame ─────────────────────►│ dyn Dialect ◄── for_system ◄── plan
//! messages ── subscribe_frames, publish_frame ───────────────►│  │
//! commands ── command_request, decode_reply ─────────────────►┘  └─ highwater.rs, plain.rs, …
//! ```
//!
//! - [`interface`]: the trait that a dialect implements;
//! - [`incoming`]: the meanings of frames that a device receives;
//! - [`command`]: a command to send and the result of waiting for its reply;
//! - [`highwater`]: the JSON frames of the reference server;
//! - [`plain`]: pings and plain HTTP, for any WebSocket server;
//! - [`stomp`]: STOMP, with topics.
//!
//! # How to add a dialect
//!
//! Three places, and no other file names a dialect:
//!
//! 1. `scenarios/src/plan/target.rs`: a variant of `plan::Dialect`, and its features. The
//!    word in scenarios is the variant's name. The compiler then demands step 3. The key
//!    `dialect` in `scenarios/src/section/target.rs` gets a sentence about it.
//! 2. `worker/dialect/NAME.rs`: a unit struct that implements [`Dialect`]. [`plain`] is
//!    the shortest start: it decodes pongs and takes every default. A dialect
//!    without topics or telemetry inherits `None` for their frames.
//! 3. This file: a `mod` line, and a line in [`for_plan`].
//!
//! Tests of a dialect are unit tests of its file: text in, meaning out. Its frames are
//! bytes from elsewhere, so `fuzzing.rs` decodes them in every dialect.
//!
//! A dialect of one user needs none of this: `worker::run_with_dialect` takes it from a
//! program of its own, as `examples/custom_dialect.rs` shows.

pub mod command;
pub mod highwater;
pub mod incoming;
pub mod interface;
pub mod plain;
pub mod stomp;

use highwater_scenarios::plan::{self, SystemSpec};

pub use command::{OutgoingCommand, ReplyNodes, ReplyResult, StatusMeaning};
pub use incoming::{Incoming, MAX_SERVER_DELAY, ReconnectAdvice, TelemetryAck};
pub use interface::Dialect;

/// Returns the dialect of a plan's system. The nodes of a cluster are reference nodes.
pub fn for_system(system: &SystemSpec) -> &'static dyn Dialect {
    match system {
        SystemSpec::Cluster(_) => &highwater::Highwater,
        SystemSpec::Target(target) => match &target.stomp {
            Some(spec) => stomp::with_ack(spec.ack),
            None => for_plan(target.dialect),
        },
    }
}

/// Returns the dialect that a plan names: the registry, with one line per dialect.
pub fn for_plan(dialect: plan::Dialect) -> &'static dyn Dialect {
    match dialect {
        plan::Dialect::Highwater => &highwater::Highwater,
        plan::Dialect::Plain => &plain::Plain,
        plan::Dialect::Stomp => stomp::with_ack(plan::StompAck::default()),
    }
}
