//! The harness of this test suite.
//!
//! - [`run`]: a run of the binary in a directory of its own;
//! - [`finished`]: the results of a run;
//! - [`record`]: its lines, also while they are written;
//! - [`process`]: other processes, and waiting for a condition;
//! - [`certificates`]: an authority, and what it signed;
//! - [`checks`]: assertions that hold for every run.

mod certificates;
pub(crate) mod checks;
mod finished;
mod process;
mod record;
mod run;

pub(crate) use certificates::Certificates;
pub(crate) use finished::FinishedRun;
pub(crate) use process::{ask, child_pids, eventually, highwater, is_running};
pub(crate) use record::{last_interval_at, steady_start};
pub(crate) use run::CliRun;
