//! Telemetry records: sent by devices, accepted by nodes, handled by consumers.

use highwater_types::format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{distribution::Distribution, run_window::RunWindow};
use crate::record::{
    JournalCounts, RecordEvent,
    names::{counter, latency},
};

/// The summary's `telemetry`: counts over the whole run, times over the steady phase.
///
/// The counts and the latency of consumers are `null` where the consumers are not the harness's
/// own. `lost` is `null` as well when a worker was lost, because that worker alone knew which
/// records were accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the metric registry describes each field")]
pub struct TelemetrySummary {
    pub due: u64,
    pub sent: u64,
    pub resent: u64,
    pub accepted: u64,
    pub rejected: u64,
    pub handled: Option<u64>,
    pub duplicated: Option<u64>,
    pub redelivered: Option<u64>,
    pub lost: Option<u64>,
    pub response_ms: Distribution,
    pub service_ms: Distribution,
    pub latency_ms: Option<Distribution>,
}

/// Computes the section; `None` when the scenario sends no telemetry.
pub(super) fn telemetry(window: &RunWindow) -> Option<TelemetrySummary> {
    if window.record.manifest.plan.telemetry.is_empty() {
        return None;
    }
    let journals = journal_counts(window);
    // A target's consumers leave no journals, which is not the same as 0.
    let of = |count: fn(JournalCounts) -> u64| journals.map(count);
    Some(TelemetrySummary {
        due: window.counter_total(counter::TELEMETRY_DUE),
        sent: window.counter_total(counter::TELEMETRY_SENT),
        resent: window.counter_total(counter::TELEMETRY_RESENT),
        accepted: window.counter_total(counter::TELEMETRY_ACCEPTED),
        rejected: window.counter_total(counter::TELEMETRY_REJECTED),
        handled: of(|journals| journals.handled),
        duplicated: of(|journals| journals.duplicated),
        redelivered: of(|journals| journals.redelivered),
        lost: journals.and_then(|journals| journals.lost),
        response_ms: window.distribution_of(latency::TELEMETRY_RESPONSE),
        service_ms: window.distribution_of(latency::TELEMETRY_SERVICE),
        // Records of earlier versions have journals and no such times.
        latency_ms: journals
            .map(|_| window.distribution_of(latency::TELEMETRY_LATENCY))
            .filter(|latency| latency.count > 0),
    })
}

/// Returns reasons to doubt the section, in words.
pub(super) fn problems(window: &RunWindow, telemetry: &TelemetrySummary) -> Vec<String> {
    let mut problems = client_problems(telemetry);
    if let Some(journals) = journal_counts(window) {
        problems.extend(journal_problems(journals));
    }
    problems
}

/// Returns the last journal counts of the record; `None` where no journals were read.
pub(super) fn journal_counts(window: &RunWindow) -> Option<JournalCounts> {
    // The last event counts, should a record have several.
    let mut events = window.record.events.iter().rev();
    events.find_map(|event| match event.kind {
        RecordEvent::Telemetry(counts) => Some(counts),
        _ => None,
    })
}

fn client_problems(telemetry: &TelemetrySummary) -> Vec<String> {
    let (due, sent, accepted) = (telemetry.due, telemetry.sent, telemetry.accepted);
    let mut problems = Vec::new();
    if sent < due {
        problems.push(format!(
            "{} of {} telemetry records that were due were never sent",
            format::count(due - sent),
            format::count(due)
        ));
    }
    if accepted < sent {
        problems.push(format!(
            "{} of {} telemetry records that were sent were never accepted",
            format::count(sent - accepted),
            format::count(sent)
        ));
    }
    if sent > due || accepted > sent {
        problems.push(format!(
            "telemetry records do not add up: {} due, {} sent, {} accepted",
            format::count(due),
            format::count(sent),
            format::count(accepted)
        ));
    }
    problems
}

fn journal_problems(journals: JournalCounts) -> Vec<String> {
    let lost = journals.lost.unwrap_or(0);
    let counted = [
        ("telemetry records accepted and never handled", lost),
        (
            "telemetry records handled that no device sent",
            journals.unknown,
        ),
        (
            "unreadable lines in the consumers' journals",
            journals.unreadable,
        ),
    ];
    let counted = counted.into_iter().filter(|(_, count)| *count > 0);
    let mut problems: Vec<String> = counted
        .map(|(text, count)| format!("{text}: {}", format::count(count)))
        .collect();
    if journals.lost.is_none() {
        problems.push("the number of lost telemetry records is not known".to_owned());
    }
    problems
}
