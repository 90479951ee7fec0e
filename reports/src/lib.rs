//! The run record, and everything that is derived from it.
//!
//! - [`record`]: the directory that a run appends to, written and read;
//! - [`histogram`]: how durations are counted;
//! - [`analysis`](analyse): from a record to its [`summary`];
//! - [`figure`]: a summary's figures by path, `human`: quantities as people
//!   read them.

mod analysis;
pub mod figure;
pub mod histogram;
mod human;
pub mod record;
pub mod summary;

pub use analysis::analyse;
pub use record::{RecordError, RecordWriter, RunRecord, read};
