//! The fuzz targets of this crate on their seeds.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use highwater_reports::fuzzing;

replay::replay_seeds!(fuzzing: record_intervals, record_events, record_latencies);
