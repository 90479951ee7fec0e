//! The summary's `failures`: what failed, how often, whose fault it was, and an example.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    failure_kinds::{FailureOrigin, kind_of},
    processes::natural_sort_key,
    run_window::RunWindow,
};
use crate::record::{FailureExample, RecordEvent, SourceRole, names::counter};

/// The failures of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailureSummary {
    /// Name of the counter: `connect.failed.status_401`, `disconnect.closed_4008`.
    pub kind: String,
    /// Part of the setup in which the failures arose.
    pub origin: FailureOrigin,
    /// Number of failures.
    pub count: u64,
    /// Start of the first interval that has one, in seconds on the run's clock.
    pub first_s: f64,
    /// End of the last interval that has one, in seconds on the run's clock.
    pub last_s: f64,
    /// Workers that counted them.
    pub workers: Vec<String>,
    /// First example; `null` where the kind says everything, and in records of earlier
    /// versions.
    pub example: Option<FailureExample>,
    /// Examples that differ from the first.
    pub further_examples: Vec<FailureExample>,
}

/// Counters `NAME.KIND` of which each kind is listed separately.
const BY_KIND: [&str; 5] = [
    counter::CONNECT_FAILED,
    counter::LOGINS_FAILED,
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

/// The numbers of one kind, while they are summed up.
struct KindTotal {
    count: u64,
    first_s: f64,
    last_s: f64,
    workers: Vec<String>,
}

/// Returns each kind of failure that happened at least once, the most frequent first.
pub(crate) fn failures(window: &RunWindow) -> Vec<FailureSummary> {
    let mut examples = examples_by_counter(window);
    let totals = totals_by_counter(window).into_iter();
    let mut failures: Vec<FailureSummary> = totals
        .map(|(kind, total)| {
            let mut examples = examples.remove(kind).unwrap_or_default().into_iter();
            FailureSummary {
                kind: kind.to_owned(),
                origin: kind_of(kind).origin,
                count: total.count,
                first_s: total.first_s,
                last_s: total.last_s,
                workers: total.workers,
                example: examples.next(),
                further_examples: examples.collect(),
            }
        })
        .collect();
    // Stable: kinds of the same count stay in the order of their names.
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
    failures
}

impl FailureSummary {
    /// Whether the failure is worth a sentence: it has a kind or an example. Other counts
    /// stand with the metrics, and a request to reconnect is not a failure.
    pub(crate) fn is_notable(&self) -> bool {
        let has_kind = BY_KIND.iter().any(|family| is_kind_of(&self.kind, family));
        self.kind != counter::DISCONNECT_ASKED && (has_kind || self.example.is_some())
    }
}

fn totals_by_counter<'a>(window: &RunWindow<'a>) -> BTreeMap<&'a str, KindTotal> {
    let mut workers: Vec<_> = window.sources.with_role(SourceRole::Worker).collect();
    workers.sort_by_cached_key(|(id, _)| natural_sort_key(id));
    let mut totals: BTreeMap<&str, KindTotal> = BTreeMap::new();
    for (id, series) in workers {
        for row in series.rows_in(window.range()) {
            // A counter of 0 is not a failure that happened.
            let counters = row.counters().filter(|(_, count)| *count > 0);
            for (name, count) in counters.filter(|(name, _)| is_failure(name)) {
                let total = totals.entry(name).or_insert(KindTotal {
                    count: 0,
                    first_s: f64::INFINITY,
                    last_s: 0.0,
                    workers: Vec::new(),
                });
                total.count = total.count.saturating_add(count);
                total.first_s = total.first_s.min(row.at);
                total.last_s = total.last_s.max(row.end());
                if total.workers.last().is_none_or(|last| last != id) {
                    total.workers.push(id.to_owned());
                }
            }
        }
    }
    totals
}

fn examples_by_counter(window: &RunWindow) -> BTreeMap<String, Vec<FailureExample>> {
    let mut examples: BTreeMap<String, Vec<FailureExample>> = BTreeMap::new();
    for event in &window.record.events {
        if let RecordEvent::Failure {
            counter, example, ..
        } = &event.kind
        {
            let known = examples.entry(counter.clone()).or_default();
            if !known.contains(example) {
                known.push(example.clone());
            }
        }
    }
    examples
}

fn is_failure(name: &str) -> bool {
    // The total `commands.failed` stands beside its kinds and would count them twice.
    WITHOUT_KINDS.contains(&name) || BY_KIND.iter().any(|family| is_kind_of(name, family))
}

fn is_kind_of(name: &str, family: &str) -> bool {
    name.strip_prefix(family)
        .is_some_and(|kind| kind.starts_with('.'))
}
