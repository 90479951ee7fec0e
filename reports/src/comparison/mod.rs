//! Runs side by side, and a run against a baseline.
//!
//! ```text
//! directories ─► ComparedRun ─► comparability ─► cells ─► grids, charts, sentences ─► text, page, JSON
//!                    └ settings, estimates        (repeats)
//! RunRecord + baseline ─► estimates ─► change ─► more gates
//! ```
//!
//! - [`compare`](mod@compare): the comparison; `run`: the part of a run's record that it
//!   keeps;
//! - `settings`: the settings of a run; `comparability`: the differences between runs, and
//!   whether they may be compared;
//! - `estimate`: a metric with its noise within the run; `change`: a difference beyond the
//!   noise; `cell`: runs of the same settings taken together;
//! - `balancing`: the metrics of balancing; `grid`: metrics by cell; `failures`: failures of
//!   each kind by cell; `summary_text`: the main effects in sentences;
//! - `text`, `page`, `json`: the comparison for a terminal, a browser and programs;
//! - `baseline`: a run against another one; `error`: the errors of a comparison.

mod balancing;
mod baseline;
mod cell;
mod change;
mod comparability;
mod compare;
mod error;
mod estimate;
mod failures;
mod grid;
mod json;
mod page;
mod run;
mod settings;
mod summary_text;
mod text;

pub use baseline::{baseline_mismatch, evaluate};
pub use compare::{MismatchPolicy, RunComparison, compare};
pub use error::CompareError;
