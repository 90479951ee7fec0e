//! The run record: a directory that is only ever appended to while a run lasts.
//!
//! - [`manifest`]: what the run was meant to be;
//! - [`interval`]: counters and gauges per source and second;
//! - [`event`]: phases, the scenario's events, problems, the end;
//! - [`names`]: of counters, gauges and latencies;
//! - [`files`]: names of the files, `hlog` the lines of one of them;
//! - [`writer`]: appends, `atomic` writes what must be whole;
//! - [`reader`]: reads back, by `lines`, into [`reading`]s, [`phases`] and
//!   [`latencies`]; `schema1` gives the records of the earlier version today's names.

mod atomic;
mod error;
pub mod event;
pub mod files;
pub(crate) mod hlog;
pub mod interval;
pub mod interval_row;
pub mod latencies;
mod lines;
pub mod manifest;
pub mod names;
pub mod phases;
pub mod reader;
mod schema1;
pub mod writer;

pub(crate) use atomic::write as write_atomic;
pub use error::RecordError;
pub use event::{RecordEvent, RunEnd, TimedEvent, action_title};
pub use interval::{Interval, Source, SourceRole};
pub use interval_row::IntervalRow;
pub use latencies::Latencies;
pub use manifest::{HostInfo, Manifest, RECORD_SCHEMA};
pub use phases::Phases;
pub use reader::{RunRecord, read};
pub use writer::RecordWriter;
