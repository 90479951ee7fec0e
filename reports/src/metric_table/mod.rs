//! The metrics of a record's lines: unit, kind and meaning of every counter, gauge and latency.
//!
//! The names themselves are in [`names`](crate::record::names). An export and the metrics of a
//! run that lasts take units and help texts from here. A test compares both lists, so that a new
//! name without a description fails.
//!
//! - `description`: unit, kind and meaning of a metric;
//! - `counters`, `gauges`, `latencies`: the descriptions;
//! - `lookup`: finds the description of a name, also of one with a kind behind it;
//! - `source_kind`: the sort of process that a metric is about.

mod counters;
mod description;
mod gauges;
mod latencies;
mod lookup;
mod source_kind;

pub(crate) use self::{
    description::{RecordUnit, SeriesKind},
    latencies::{LatencyName, PARTS, latency_name, part_values},
    lookup::{MetricId, find_counter, find_gauge},
    source_kind::{ALL_SOURCES, SourceKind, source_kind},
};
