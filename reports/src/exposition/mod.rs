//! Metrics of a run in the text formats of Prometheus.
//!
//! Kept by hand, because the client libraries write the present values of a process: a record
//! needs samples with timestamps, and families of names that are known only while it is read.
//!
//! - `family`: name, type, unit and help of a metric as Prometheus has it;
//! - `text`: the lines of both text formats.

mod family;
mod text;

pub use self::text::TextFormat;
pub(crate) use self::{
    family::{Family, FamilyType},
    text::{QUANTILES, SampleTime, write_end, write_head, write_sample},
};
