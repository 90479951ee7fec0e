//! HTTP command traffic of the steady phase.
//!
//! ```text
//! plan::LoadModel ──► users ──► closed.rs │ open.rs      when a command is due
//!                                     │
//!                                     ▼
//!                                  call.rs               one command, due to result
//!                                     │ Dialect: request, reply
//!                                     ▼
//! plan::ReplyMode ──► reply::reader ──► rest.rs │ sse.rs   how its reply comes back
//!                                     │
//!                                     ▼
//!                                  outcome.rs            the closed list of results
//! ```
//!
//! - [`closed`]: users who wait for the reply, think and ask again;
//! - [`open`]: arrivals on a fixed schedule;
//! - [`call`]: one command from its due time to its result;
//! - [`reply`]: the ways in which a reply comes back;
//! - [`outcome`]: the results of commands, and how they are counted.
//!
//! # How to add a load model
//!
//! 1. The scenario's side: a variant of `plan::LoadModel` in the crate `scenarios`. The
//!    compiler then demands its keys, its due times in `Segment` and its description.
//! 2. `worker/commands/NAME.rs`: a function `users` that returns the goose users of a
//!    load. Each sends with [`call::issue_command`], which counts and times.
//! 3. This file: a `mod` line, and a line in [`users`].

pub mod call;
pub mod closed;
pub mod open;
pub mod outcome;
pub mod reply;

use highwater_scenarios::{
    Segment,
    plan::{CommandLoad, LoadModel},
};

pub use outcome::CommandResult;

use super::user_role::UserRole;

/// Returns the goose users of command load number `index` that are this worker's: the
/// registry, with one line per load model.
pub fn users(index: usize, load: &CommandLoad, segment: Segment) -> Vec<Box<dyn UserRole>> {
    match load.model {
        LoadModel::Closed { .. } => closed::users(index, load, segment),
        LoadModel::Open { .. } => open::users(index, load, segment),
    }
}
