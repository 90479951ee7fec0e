//! Tidy tables of a run, for programs that analyse data.
//!
//! ```text
//! record ─► samples ──┐                         ┌─► csv, jsonl, parquet: a table each
//!           events  ──┼─► rows of a table ─► format
//! Summary ─► summary ─┘                         └─► prometheus: samples alone, by family
//! ```
//!
//! Rows are written while the record is read, so an export needs no more memory than a report.
//!
//! - [`run`]: the export of a run, into a folder, a file or a stream; [`error`]: its errors;
//! - `table`: the tables; `column`: their columns and cells; `schema`: the description beside them;
//! - `samples`: one row for each second, source and metric; `sample_reader` with
//!   `latency_merger`: these rows from the lines of a record; `summary_rows`, `event_rows`: the
//!   rows of the other tables;
//! - `source`: what an export knows of its run; `output`: files that appear when they are whole;
//! - [`format`]: a format; [`formats`](mod@formats): all of them, one line each; `csv`, `jsonl`,
//!   `parquet`, `prometheus`: a file of each; `spool`: the samples that wait for their family.

mod column;
mod csv;
pub mod error;
mod event_rows;
pub mod format;
pub mod formats;
mod jsonl;
mod latency_merger;
mod output;
#[cfg(feature = "parquet")]
mod parquet;
mod prometheus;
pub mod run;
mod sample_reader;
mod samples;
mod schema;
mod source;
mod spool;
mod summary_rows;
mod table;

pub use self::{
    error::ExportError,
    format::ExportFormat,
    formats::formats,
    run::{ExportTarget, Exported, export, planned_files},
    table::Table,
};
