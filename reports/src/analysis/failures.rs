//! Failures that the clients counted, by kind.

use std::collections::BTreeMap;

use super::run_window::RunWindow;
use crate::record::names::counter;

/// The number of failures of one kind.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct FailureCount {
    /// Name of the counter: `connect.failed.refused`.
    pub(crate) counter: String,
    /// Number over the window.
    pub(crate) count: u64,
}

/// Counters `NAME.KIND` of which each kind is listed separately.
const BY_KIND: [&str; 4] = [
    counter::CONNECT_FAILED,
    counter::DISCONNECT,
    counter::COMMANDS_FAILED,
    counter::TELEMETRY_REJECTED,
];

/// Counters without kinds.
const WITHOUT_KINDS: [&str; 19] = [
    counter::HEARTBEATS_MISSED,
    counter::HEARTBEATS_LATE,
    counter::COMMANDS_DROPPED,
    counter::COMMANDS_NO_DEVICE,
    counter::COMMANDS_TIMED_OUT,
    counter::COMMANDS_NOT_CONNECTED,
    counter::COMMANDS_REJECTED,
    counter::EXCHANGES_DROPPED,
    counter::EXCHANGES_NO_DEVICE,
    counter::EXCHANGES_REJECTED,
    counter::EXCHANGES_TIMED_OUT,
    counter::EXCHANGES_LOST,
    counter::MESSAGES_DROPPED,
    counter::MESSAGES_REJECTED,
    counter::MESSAGES_UNCONFIRMED,
    counter::MESSAGES_MISSING,
    counter::MESSAGES_MISSING_AT_END,
    counter::MESSAGES_REORDERED,
    counter::MESSAGES_DUPLICATED,
];

/// Returns each kind of failure that happened at least once, by name.
pub(crate) fn failures(window: &RunWindow) -> Vec<FailureCount> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for row in window.worker_rows() {
        for (name, count) in row.counters() {
            // A counter of 0 is not a failure that happened.
            if count > 0 && is_failure(name) {
                *counts.entry(name).or_default() += count;
            }
        }
    }
    let failure = |(counter, count): (&str, u64)| FailureCount {
        counter: counter.to_owned(),
        count,
    };
    counts.into_iter().map(failure).collect()
}

fn is_failure(name: &str) -> bool {
    // The total `commands.failed` stands beside its kinds and would count them twice.
    let is_kind_of = |stem: &&str| name.strip_prefix(*stem).is_some_and(|k| k.starts_with('.'));
    WITHOUT_KINDS.contains(&name) || BY_KIND.iter().any(is_kind_of)
}
