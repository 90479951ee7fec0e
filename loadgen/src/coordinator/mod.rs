//! The coordinator: starts the system and the workers, keeps the time, and writes the
//! run record.
//!
//! ```text
//! RunOptions ──► start.rs ──► system.rs            the cluster or the target
//!                   └───────► registration.rs      local workers join and become ready
//!                       or    remote/              workers of many machines do, over the bus
//!                                  │ go
//!                                  ▼
//! worker_pool.rs ──intervals──►  run.rs  ◄──samples── sampler_task.rs
//!        ▲                         │ phases.rs: ramp, steady, drain
//!        └── steady, drain ────────┤
//!                                  ▼
//!            recorder.rs ──► run record        progress ──► a person's screen
//!                ▲
//!                └── telemetry.rs, consumer_drain.rs: accepted against handled
//! ```
//!
//! - [`options`]: the plan, the workers and the place of the record;
//! - [`start`]: everything up to the go;
//! - [`system`]: the system under test, with `target_check` before the load; `observed`: the
//!   processes of a target that are sampled;
//! - [`registration`]: local workers join, get their share and become ready; `hellos`: their first
//!   messages, with `token_backoff` for wrong tokens; `join_status`, `start_notes`: what a
//!   person sees meanwhile; `interrupt`: the end of a start that a person interrupts;
//! - [`remote`]: workers that join over the bus, and the resumption of a run;
//! - [`run`]: from the go to the last line of the record;
//! - [`phases`]: ramp, steady, drain;
//! - [`worker_pool`]: the workers of a run and their messages; [`worker_event`]: what becomes of
//!   them;
//! - [`sampler_task`]: a sample of every process, once a second;
//! - [`recorder`]: the lines of the record, with [`buckets`] for those of 100 ms and
//!   `known_names` for the names in them;
//! - [`telemetry`]: accepted telemetry, reconciled with what consumers handled;
//! - `consumer_drain`: the consumers' time after the workers are done;
//! - [`progress`]: the state of a run as a person sees it; [`metrics_endpoint`]: as Prometheus
//!   scrapes it;
//! - [`error`]: the reasons why a run cannot start or go on.

pub mod buckets;
mod consumer_drain;
pub mod error;
mod hellos;
mod interrupt;
mod join_status;
mod known_names;
pub mod metrics_endpoint;
mod observed;
pub mod options;
pub mod phases;
pub mod progress;
pub mod recorder;
pub mod registration;
pub mod remote;
pub mod run;
pub mod sampler_task;
pub mod start;
mod start_notes;
pub mod system;
mod target_check;
pub mod telemetry;
mod token_backoff;
pub mod worker_event;
pub mod worker_pool;

pub use error::RunError;
pub use options::{BusWorkers, LocalWorkers, RunOptions, Workers};
pub use progress::{NoteKind, PhaseProgress, Progress, ProgressNote, Update};
pub use remote::check_plan;
pub use run::run;
pub use start::TOKEN_VARIABLE;
