//! Lines of a run record, also while they are written.

use std::{fs, path::Path};

use serde_json::Value;

/// Last instant that the record has an interval of.
pub(crate) fn last_interval_at(record: &Path) -> Option<f64> {
    intervals(record).last()?["at"].as_f64()
}

/// When the steady phase began.
pub(super) fn steady_start(record: &Path) -> Option<f64> {
    lines(&record.join("events.jsonl"))
        .iter()
        .find(|event| event["phase"] == "steady")?["at"]
        .as_f64()
}

/// Lines of `intervals.jsonl`.
pub(super) fn intervals(record: &Path) -> Vec<Value> {
    lines(&record.join("intervals.jsonl"))
}

/// The complete lines of a file that may still be written to.
fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
