//! The run record, and everything that is derived from it.
//!
//! - [`record`]: the directory that a run appends to, written and read;
//! - [`histogram`]: how durations are counted;
//! - `analysis`: from a record to its [`summary`];
//! - [`figure`]: a summary's figures by path; `human`: quantities as people
//!   read them; `text`: the verdict in words, for a terminal;
//! - `charts`, `page`, `junit`: how it is shown;
//! - [`report`]: all of it written beside the record;
//! - `comparison`: runs side by side, and a run against a baseline.

mod analysis;
mod charts;
mod comparison;
#[doc(hidden)]
pub mod fuzzing;
pub mod histogram;
mod human;
mod junit;
pub mod metric;
mod metric_list;
mod page;
pub mod record;
pub mod report;
pub mod summary;
mod text;

pub use analysis::analyse;
pub use comparison::{CompareError, MismatchPolicy, RunComparison, compare, evaluate};
pub use metric_list::{metrics_json, metrics_text};
pub use record::{RecordError, RecordWriter, RunRecord, read};
pub use report::{ReportError, WrittenReport, write_report, write_report_against};
pub use text::verdict_text;
