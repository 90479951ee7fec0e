//! Lines of a run record, also while they are written.

use std::{fs, path::Path};

use serde_json::Value;

/// Returns the last instant with an interval in the record.
pub(crate) fn last_interval_at(record: &Path) -> Option<f64> {
    intervals(record).last()?["at"].as_f64()
}

/// Returns the instant at which the steady phase began.
pub(crate) fn steady_start(record: &Path) -> Option<f64> {
    lines(&record.join("events.jsonl"))
        .iter()
        .find(|event| event["phase"] == "steady")?["at"]
        .as_f64()
}

/// Lines of `intervals.jsonl`.
pub(super) fn intervals(record: &Path) -> Vec<Value> {
    lines(&record.join("intervals.jsonl"))
}

/// Returns the complete lines of a file that may still be written to.
fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        // The last line may be half-written.
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
