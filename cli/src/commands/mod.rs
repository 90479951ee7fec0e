//! The commands, one file each. A file holds the clap struct of its command and its
//! `execute`.
//!
//! ```text
//! cli ─► run ─┬─► matrix ─┐
//!             └───────────┴─► single_run ─► announce, signals
//!        coordinator ─────────────┘
//!        check, init, try_out, doctor, report, compare, gate, export, metrics, serve, groups,
//!        probe, worker, completions, man
//! ```
//!
//! - [`cli`]: the root of the command line, and the dispatch;
//! - [`single_run`]: one run from its plan to its report;
//! - [`matrix`]: the runs of a scenario with several cells or repeats;
//! - [`announce`]: the summary of a run before it starts;
//! - [`signals`]: SIGTERM and Ctrl-C.

mod announce;
mod check;
mod cli;
mod compare;
mod completions;
mod coordinator;
mod doctor;
mod export;
mod gate;
mod groups;
mod init;
mod man;
mod matrix;
mod metrics;
mod probe;
mod report;
mod run;
mod serve;
mod signals;
mod single_run;
mod try_out;
mod worker;

pub(crate) use self::cli::Cli;
