//! The run record: a directory that is only ever appended to while a run lasts.
//!
//! - [`manifest`]: what the run was meant to be;
//! - [`interval`]: counters and gauges per source and second;
//! - [`event`]: phases, the scenario's events, problems, the end;
//! - [`names`]: of counters, gauges and latencies.

pub mod event;
pub mod interval;
pub mod manifest;
pub mod names;

pub use event::{Ended, Occurrence, TimedEvent};
pub use interval::{Interval, Role, Source};
pub use manifest::{Host, Manifest, RECORD_SCHEMA};
