//! What the tests of this suite share.
//!
//! - [`run`]: a run of the binary in a directory of its own;
//! - [`finished`]: what it leaves;
//! - [`record`]: its lines, also while they are written;
//! - [`process`]: other processes, and waiting for a condition;
//! - [`checks`]: what must hold of every run.

pub(crate) mod checks;
mod finished;
mod process;
mod record;
mod run;

pub(crate) use finished::FinishedRun;
pub(crate) use process::{ask, child_pids, eventually, highwater, is_running};
pub(crate) use record::last_interval_at;
pub(crate) use run::CliRun;
