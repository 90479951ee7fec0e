//! Readings, from the device to the consumers' journals.

use highwater_scenarios::plan::SystemSpec;

use super::{
    CountPair, incomplete_reason, incomplete_reason_of, ledger_side, lost_sockets, recent_growth,
    role_total,
};
use crate::{
    analysis::{
        run_window::RunWindow,
        telemetry::{JournalCounts, journal_counts},
    },
    record::{SourceRole, names::gauge},
    summary::{Summary, TelemetrySummary},
};

/// Readings of a device that may be without an answer when its socket is lost.
const MAX_UNACKED_PER_DEVICE: u64 = 16;

/// What each hand that a reading goes through counts; nothing without readings.
pub(super) fn pairs(cut: &RunWindow, summary: &Summary) -> Vec<CountPair> {
    let Some(readings) = &summary.telemetry else {
        return Vec::new();
    };
    let mut pairs = node_pairs(cut, readings);
    if let SystemSpec::Cluster(_) = &cut.record.manifest.plan.system {
        pairs.push(journal_pair(cut));
    }
    pairs
}

fn node_pairs(cut: &RunWindow, readings: &TelemetrySummary) -> Vec<CountPair> {
    let doubt = incomplete_reason(cut);
    let unanswered = readings.sent.saturating_sub(readings.accepted);
    let taken = role_total(cut, SourceRole::Node, gauge::TELEMETRY_ACCEPTED);
    // Sent again, because the socket that its acceptance went to was lost.
    let twice = readings.resent + unanswered;
    let pairs = [
        CountPair::new(
            "telemetry",
            ledger_side("clients sent", Some(readings.sent + readings.resent)),
            ledger_side(
                "nodes answered",
                role_total(cut, SourceRole::Node, gauge::TELEMETRY_ANSWERED),
            ),
            lost_sockets(cut) * MAX_UNACKED_PER_DEVICE + unanswered,
        ),
        CountPair::new(
            "telemetry acceptances",
            ledger_side("clients received", Some(readings.accepted)),
            ledger_side("nodes sent", taken),
            twice,
        ),
        CountPair::new(
            "telemetry through the queue",
            ledger_side("nodes handed over", taken),
            ledger_side("consumers handled", readings.handled),
            twice,
        ),
    ];
    let pairs = pairs.into_iter();
    pairs
        .map(|pair| pair.with_incomplete(doubt.as_deref()))
        .collect()
}

/// What consumers say that they have handled, and what they wrote down.
fn journal_pair(cut: &RunWindow) -> CountPair {
    let journals = journal_counts(cut);
    let lines =
        |journals: &JournalCounts| journals.handled + journals.duplicated + journals.unknown;
    let unreadable = journals.as_ref().map_or(0, |journals| journals.unreadable);
    CountPair::new(
        "handled telemetry",
        ledger_side(
            "consumers counted",
            role_total(cut, SourceRole::Consumer, gauge::TELEMETRY_HANDLED),
        ),
        ledger_side("their journals show", journals.as_ref().map(lines)),
        // What is handled once more after all of it was.
        unreadable + recent_growth(cut, SourceRole::Consumer, gauge::TELEMETRY_HANDLED),
    )
    .with_incomplete(incomplete_reason_of(cut, SourceRole::Consumer).as_deref())
}
