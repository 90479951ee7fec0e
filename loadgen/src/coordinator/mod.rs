//! The coordinator: starts the system and the workers, keeps the time, and
//! writes down what everybody tells.
//!
//! - [`options`]: what to run, with which workers, where the record goes;
//! - [`run`]: from the first process to the last line of the record;
//! - [`start`]: everything up to the go;
//! - [`watch`]: samples every process, once a second;
//! - [`system`]: the cluster that the scenario asks for, or the target;
//! - [`roster`]: workers join, are told their share, and become ready;
//! - [`crew`]: the workers while they work;
//! - [`phases`]: ramp, steady, drain;
//! - [`recorder`]: what goes into the run record, second by second, with [`tenths`]
//!   for what has to be told more finely;
//! - [`telemetry`]: what was accepted, held against what was handled;
//! - `settling`: the consumers handle what is left after the drain;
//! - [`progress`]: what a person sees meanwhile;
//! - [`error`]: why a run could not be, and whose fault it was.

pub mod buckets;
mod consumer_drain;
pub mod error;
pub mod options;
pub mod phases;
pub mod progress;
pub mod recorder;
pub mod registration;
pub mod run;
pub mod sampler_task;
pub mod start;
pub mod system;
pub mod telemetry;
pub mod worker_pool;

pub use error::RunError;
pub use options::{RunOptions, Workers};
pub use progress::{NoteKind, PhaseProgress, Progress, ProgressNote, Update};
pub use run::run;
pub use start::TOKEN_VARIABLE;
