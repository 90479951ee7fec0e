//! The coordinator's end of the bus: a run whose workers join on many machines.
//!
//! ```text
//! session: create, or take over ──► join: claims, capacities, ready
//!      │                                        │ go
//!      ▼                                        ▼
//! control_writer ──go, steady, drain──► bucket  intake ◄── stream
//!                                               │  watch ◄── signs of life
//!                                               ▼
//!                             link ──► worker_pool ──► recorder
//!                              └── checkpoint, then purge
//! ```
//!
//! A message counts as received once the record holds it: [`checkpoint`] writes how long the
//! record's files are and which message was the last, and only then the stream drops it. A
//! coordinator that takes over cuts the files to these lengths and reads on from there, so
//! that every interval is in the record, and none twice.
//!
//! - [`session`]: the run on the bus, from its creation to its removal; [`resume`]: a run of
//!   a coordinator that died;
//! - [`control_writer`]: the state of the run, written again until the bus has it;
//! - [`start`]: the start, and the progress of a run that was left behind;
//! - [`join`]: the time before the go;
//! - [`intake`]: the messages of workers; [`watch`]: their signs of life; [`item`]: both;
//!   [`link`]: these, as the pool of workers needs them;
//! - [`checkpoint`]: the place from which a run is resumed.

pub mod checkpoint;
pub(crate) mod control_writer;
mod intake;
mod item;
pub(super) mod join;
pub mod link;
pub mod resume;
pub mod session;
pub(super) mod start;
mod watch;

#[cfg(test)]
mod tests;

pub use checkpoint::Checkpoint;
pub use link::BusLink;
pub use resume::ResumedRun;
pub use session::{BusSession, check_plan};
