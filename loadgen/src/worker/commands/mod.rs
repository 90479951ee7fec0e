//! HTTP command traffic of the steady phase.
//!
//! ```text
//! roles::UserRole ──► closed.rs │ open.rs                 when a command is due
//!                                     │
//!                                     ▼
//! recipient.rs, request.rs ──►  call.rs               one command, due to result
//!                                     │ Dialect: request, reply
//!                                     ▼
//! plan::ReplyMode ──► reply::read ──► rest.rs │ sse.rs    how its reply comes back
//!                                     │
//!                                     ▼
//!                                  outcome.rs            the closed list of results
//! ```
//!
//! - [`closed`]: users who wait for the reply, think and ask again;
//! - [`open`]: arrivals on a fixed schedule;
//! - [`call`]: one command from its due time to its result;
//! - [`recipient`]: the device that it is sent to;
//! - [`request`]: its request, that of the dialect or one of the scenario's own;
//! - [`reply`]: the ways in which a reply comes back;
//! - [`outcome`]: the results of commands, and how they are counted.
//!
//! # How to add a load model
//!
//! 1. The scenario's side: a variant of `plan::LoadModel` in the crate `scenarios`. The
//!    compiler then demands its keys, its due times in `Segment` and its description.
//! 2. `worker/commands/NAME.rs`: a function `run` with the work of one goose user. It sends
//!    with [`call::issue_command`], which counts and times.
//! 3. This file: a `mod` line.
//! 4. `worker/roles.rs`: a variant of `UserRole` and its lines in the two functions.

pub mod call;
pub mod closed;
pub mod open;
pub mod outcome;
pub mod recipient;
pub mod reply;
pub mod request;
