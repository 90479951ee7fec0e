//! A run of Highwater's binary with a scenario of a comparison.
//!
//! - [`run`]: the process, from its start to its summary; [`phase`]: the instant at which its
//!   steady phase began; [`summary`]: the part of its summary that is read.

mod phase;
mod run;
mod summary;

pub(in crate::bench) use self::{
    run::{Bench, FinishedRun, Run},
    summary::{Summary, Telemetry},
};
