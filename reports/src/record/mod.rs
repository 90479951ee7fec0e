//! The run record: a directory that is only appended to while a run lasts.
//!
//! ```text
//! Interval, TimedEvent, histograms ─► writer ─► manifest.json, intervals.jsonl,
//!                                               latency.hlog, events.jsonl
//!                                                    │ lines, hlog, schema1
//!                                                    ▼
//!                                               reader ─► RunRecord
//! ```
//!
//! - [`manifest`]: the plan and the machine; [`interval`]: counters and gauges of one source;
//!   [`event`]: phases, actions, failures, problems and the end; [`failure_example`]: the
//!   answer or the error of a failure;
//! - [`names`]: names of counters, gauges and latencies; [`files`]: names of the files;
//! - [`writer`]: appends lines; `atomic`: writes files that must be whole;
//! - `lock`: a lock that shows that a run lasts; `failed_start`: runs that never began;
//! - [`reader`]: reads a record into [`interval_row`]s, [`phases`] and [`latencies`];
//!   `stream`: the lines one by one, for readers that keep none; `open`, `lines`: files that may
//!   be of any kind, with lines of a writer that may have been killed; `hlog`: the format of the
//!   histograms;
//! - `schema1`: renames the contents of records of schema 1; `texts`: makes texts safe to be
//!   shown; `error`: the errors.

mod atomic;
mod error;
pub mod event;
mod failed_start;
pub mod failure_example;
pub mod files;
pub(crate) mod hlog;
pub mod interval;
pub mod interval_row;
pub mod latencies;
mod lines;
mod lock;
pub mod manifest;
pub mod names;
mod open;
pub mod phases;
pub mod reader;
mod schema1;
pub(crate) mod stream;
mod texts;
pub mod writer;

pub use atomic::write_private;
pub(crate) use atomic::{PartFile, create_dir, write as write_atomic};
pub use error::RecordError;
pub use event::{JournalCounts, RecordEvent, RunEnd, TimedEvent, action_title};
pub use failed_start::is_failed_start;
pub use failure_example::FailureExample;
pub use interval::{Interval, Source, SourceRole};
pub use interval_row::IntervalRow;
pub use latencies::Latencies;
pub(crate) use lock::is_locked;
pub use manifest::{HostInfo, Manifest, RECORD_SCHEMA};
pub use phases::Phases;
pub(crate) use reader::run_end;
pub use reader::{RunRecord, read, read_manifest};
pub(crate) use stream::RecordStream;
pub use writer::{RecordLengths, RecordWriter};
