//! Everything that went wrong on the clients' side, by kind.

use std::collections::BTreeMap;

use super::run_window::RunWindow;
use crate::record::{SourceRole, names::counter};

/// How often something went wrong in a certain way.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct FailureCount {
    /// The counter: `connect.failed.refused`.
    pub(crate) counter: String,
    /// Over the cut.
    pub(crate) count: u64,
}

/// Counters of which each kind stands for itself.
const BY_KIND: [&str; 4] = [
    counter::CONNECT_FAILED,
    counter::DISCONNECT,
    counter::COMMANDS_FAILED,
    counter::TELEMETRY_REJECTED,
];

/// Counters without kinds.
const WITHOUT_KINDS: [&str; 13] = [
    counter::HEARTBEATS_MISSED,
    counter::HEARTBEATS_LATE,
    counter::COMMANDS_DROPPED,
    counter::COMMANDS_TIMED_OUT,
    counter::COMMANDS_NOT_CONNECTED,
    counter::COMMANDS_REJECTED,
    counter::MESSAGES_DROPPED,
    counter::MESSAGES_REJECTED,
    counter::MESSAGES_UNCONFIRMED,
    counter::MESSAGES_MISSING,
    counter::MESSAGES_MISSING_AT_END,
    counter::MESSAGES_REORDERED,
    counter::MESSAGES_DUPLICATED,
];

/// What went wrong at least once, by name.
pub(crate) fn failures(cut: &RunWindow) -> Vec<FailureCount> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, track) in cut.series.with_role(SourceRole::Worker) {
        for line in track.rows_in(cut.range()) {
            for (name, count) in line.counters() {
                if count > 0 && is_failure(name) {
                    *counts.entry(name).or_default() += count;
                }
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
    let of_a_kind = |stem: &&str| name.strip_prefix(*stem).is_some_and(|k| k.starts_with('.'));
    WITHOUT_KINDS.contains(&name) || BY_KIND.iter().any(of_a_kind)
}
