//! A worker that joins a run over the bus.
//!
//! ```text
//! find the run ──► claim a segment ──► prepare, ready ──► go ──► WorkerRun
//!                     │ compare-and-set                            │   ▲
//!                     ▼                                            ▼   │
//!                status, each second                          outbox  follower ◄── control
//!                                                               │
//!                                                               ▼ acknowledged
//!                                                             stream
//! ```
//!
//! While the bus is away, intervals wait in the [`outbox`], and the worker goes on.
//!
//! - [`options`]: the bus, the run and the index;
//! - [`claim`]: the segment of this process;
//! - [`access`]: what the plan names and the bus does not carry: variables and files;
//! - [`status`]: the signs of life, which another process's claim ends;
//! - [`coordinator_life`]: the signs of life of the coordinator;
//! - [`follower`]: the coordinator's announcements; [`outbox`]: the messages to it;
//! - [`part`]: all of it, from the search for the run to the last message.

mod access;
mod claim;
mod coordinator_life;
mod follower;
pub mod options;
pub(crate) mod outbox;
mod part;
mod status;

pub use options::{BusWorkerOptions, IndexChoice};
pub use part::run_on_bus;
