//! The run record, and everything that is derived from it.
//!
//! ```text
//! RecordWriter ─► record (files) ─► read ─► analyse ─► Summary ─► page, junit, text
//!  (while the run lasts)               └──────► charts ──────────────┘
//!                                      several runs ─► comparison, baseline
//! ```
//!
//! - [`record`]: the directory that a run appends to, written and read;
//! - [`histogram`]: counts of durations;
//! - `analysis`: from a record to its [`summary`];
//! - `metric_list`: all metrics, as a table and as JSON;
//! - `unit_format`: values in their units; `text`: the verdict in words, for a terminal;
//! - `charts`, `page`, `junit`: the parts of a report;
//! - [`report`]: all of them written beside the record;
//! - `comparison`: runs side by side, and a run against a baseline.

mod analysis;
mod charts;
mod comparison;
#[doc(hidden)]
pub mod fuzzing;
pub mod histogram;
mod junit;
mod metric_list;
mod page;
pub mod record;
pub mod report;
mod text;
mod unit_format;

pub use analysis::{analyse, summary};
pub use comparison::{CompareError, MismatchPolicy, RunComparison, compare, evaluate};
pub use metric_list::{metrics_json, metrics_text};
pub use record::{RecordError, RecordWriter, RunRecord, read};
pub use report::{ReportError, WrittenReport, write_report, write_report_against};
pub use text::verdict_text;
