//! The run record, and everything that is derived from it.
//!
//! ```text
//! RecordWriter ─► record (files) ─► read ─► analyse ─► Summary ─► page, junit, text
//!  (while the run lasts)               ├──────► charts ──────────────┘
//!                                      └──────► export
//!                                      several runs ─► comparison, baseline
//! ```
//!
//! - [`record`]: the directory that a run appends to, written and read;
//! - [`histogram`]: counts of durations;
//! - `analysis`: from a record to its [`summary`];
//! - `metric_list`: all metrics, as a table and as JSON;
//! - `unit_format`: values in their units; `text`: the verdict in words, for a terminal;
//! - `metric_table`: units and meanings of counters, gauges and latencies; `exposition`: the
//!   text formats of Prometheus;
//! - [`export`]: tidy tables of a run, for programs that analyse data;
//! - [`live`]: the metrics of a run that lasts, for scrapes;
//! - `charts`, `page`, `junit`: the parts of a report;
//! - [`report`]: all of them written beside the record;
//! - `comparison`: runs side by side, and a run against a baseline.
//!
//! A report is a function of the record, so that every number can be taken from the files
//! again:
//!
//! ```no_run
//! use std::path::Path;
//!
//! let record = highwater_reports::read(Path::new("runs/first"))?;
//! let opened: u64 = record.intervals.iter().map(|row| row.counter("sockets.opened")).sum();
//!
//! let summary = highwater_reports::analyse(&record);
//! assert_eq!(summary.sockets.opened, opened);
//! # Ok::<(), highwater_reports::RecordError>(())
//! ```

mod analysis;
mod charts;
mod comparison;
pub mod export;
mod exposition;
#[doc(hidden)]
pub mod fuzzing;
pub mod histogram;
mod junit;
pub mod live;
mod metric_list;
mod metric_table;
mod page;
pub mod record;
pub mod report;
mod text;
mod unit_format;

pub use analysis::{analyse, example_sentence, summary};
pub use comparison::{
    CompareError, MismatchPolicy, RunComparison, baseline_mismatch, compare, evaluate,
};
pub use metric_list::{metrics_json, metrics_text};
pub use record::{RecordError, RecordWriter, RunRecord, read};
pub use report::{ReportError, WrittenReport, write_junit, write_report, write_report_against};
pub use text::verdict_text;
