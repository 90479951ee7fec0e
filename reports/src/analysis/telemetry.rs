//! Readings: what devices sent upstream, and what became of it.

use super::run_window::RunWindow;
use crate::{
    human,
    record::{
        RecordEvent,
        names::{counter, latency},
    },
    summary::TelemetrySummary,
};

/// What the journals of the consumers showed, as the record has it.
pub(super) struct JournalCounts {
    pub(super) handled: u64,
    pub(super) duplicated: u64,
    redelivered: u64,
    pub(super) unknown: u64,
    pub(super) unreadable: u64,
    lost: Option<u64>,
}

/// The summary's `telemetry`; `None` when the scenario sends none.
pub(crate) fn telemetry(cut: &RunWindow) -> Option<TelemetrySummary> {
    if cut.record.manifest.plan.telemetry.is_empty() {
        return None;
    }
    let journals = journal_counts(cut);
    let of = |count: fn(&JournalCounts) -> u64| journals.as_ref().map(count);
    Some(TelemetrySummary {
        due: cut.counter_total(counter::TELEMETRY_DUE),
        sent: cut.counter_total(counter::TELEMETRY_SENT),
        resent: cut.counter_total(counter::TELEMETRY_RESENT),
        accepted: cut.counter_total(counter::TELEMETRY_ACCEPTED),
        rejected: cut.counter_total(counter::TELEMETRY_REJECTED),
        handled: of(|journals| journals.handled),
        duplicated: of(|journals| journals.duplicated),
        redelivered: of(|journals| journals.redelivered),
        lost: journals.as_ref().and_then(|journals| journals.lost),
        response_ms: cut.distribution_of(latency::TELEMETRY_RESPONSE),
        service_ms: cut.distribution_of(latency::TELEMETRY_SERVICE),
    })
}

/// What made its figures doubtful, in words.
pub(crate) fn doubts(cut: &RunWindow, figures: &TelemetrySummary) -> Vec<String> {
    let mut doubts = Vec::new();
    if figures.sent < figures.due {
        doubts.push(format!(
            "{} of {} telemetry records that were due were never sent",
            human::count(figures.due - figures.sent),
            human::count(figures.due)
        ));
    }
    if figures.accepted < figures.sent {
        doubts.push(format!(
            "{} of {} telemetry records that were sent were never accepted",
            human::count(figures.sent - figures.accepted),
            human::count(figures.sent)
        ));
    }
    if figures.sent > figures.due || figures.accepted > figures.sent {
        doubts.push(format!(
            "telemetry records do not add up: {} due, {} sent, {} accepted",
            human::count(figures.due),
            human::count(figures.sent),
            human::count(figures.accepted)
        ));
    }
    let Some(journals) = journal_counts(cut) else {
        return doubts;
    };
    let several = [
        (journals.lost.unwrap_or(0), "accepted and never handled"),
        (journals.unknown, "handled that no device sent"),
    ];
    let several = several.into_iter().filter(|(count, _)| *count > 0);
    doubts.extend(
        several.map(|(count, what)| format!("telemetry records {what}: {}", human::count(count))),
    );
    if journals.unreadable > 0 {
        doubts.push(format!(
            "lines of the consumers' journals that could not be read: {}",
            human::count(journals.unreadable)
        ));
    }
    if journals.lost.is_none() {
        doubts.push("how many telemetry records were lost is not known".to_owned());
    }
    doubts
}

/// What the record says of the journals; `None` where none were read.
pub(super) fn journal_counts(cut: &RunWindow) -> Option<JournalCounts> {
    cut.record
        .events
        .iter()
        .rev()
        .find_map(|event| match event.kind {
            RecordEvent::Telemetry {
                handled,
                duplicated,
                redelivered,
                unknown,
                unreadable,
                lost,
            } => Some(JournalCounts {
                handled,
                duplicated,
                redelivered,
                unknown,
                unreadable,
                lost,
            }),
            _ => None,
        })
}
