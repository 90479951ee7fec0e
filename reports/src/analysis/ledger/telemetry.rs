//! Telemetry records, from the device to the consumers' journals.

use super::{
    ClientCounts, CountPair,
    counts::{incomplete_reason, incomplete_reason_of, recent_growth, role_total},
};
use crate::{
    analysis::{
        run_window::RunWindow,
        telemetry::{TelemetrySummary, journal_counts},
    },
    record::{
        JournalCounts, SourceRole,
        names::{counter, gauge},
    },
};

/// Telemetry records of a device that may be unanswered when its socket is lost.
const MAX_UNACKED_PER_DEVICE: u64 = 16;

/// Returns one pair for each step of a telemetry record; none without telemetry.
pub(super) fn pairs(window: &RunWindow, counts: &ClientCounts) -> Vec<CountPair> {
    let Some(telemetry) = counts.telemetry else {
        return Vec::new();
    };
    let mut pairs = node_pairs(window, telemetry);
    // A target's consumers keep their journals to themselves.
    if window.record.manifest.plan.cluster().is_some() {
        pairs.push(journal_pair(window));
    }
    pairs
}

fn node_pairs(window: &RunWindow, telemetry: &TelemetrySummary) -> Vec<CountPair> {
    let incomplete = incomplete_reason(window);
    // The node may have accepted these without the device seeing it.
    let unanswered = telemetry.sent.saturating_sub(telemetry.accepted);
    let accepted = role_total(window, SourceRole::Node, gauge::TELEMETRY_ACCEPTED);
    // A record is sent again when its socket is lost, with the acceptance on its way. Nodes
    // then accept it twice.
    let twice = telemetry.resent + unanswered;
    let pairs = [
        CountPair::new(
            "telemetry",
            ("clients sent", Some(telemetry.sent + telemetry.resent)),
            (
                "nodes answered",
                role_total(window, SourceRole::Node, gauge::TELEMETRY_ANSWERED),
            ),
            // A lost socket takes the answers on their way with it.
            window.family_total(counter::DISCONNECT) * MAX_UNACKED_PER_DEVICE + unanswered,
        ),
        CountPair::new(
            "telemetry acceptances",
            ("clients received", Some(telemetry.accepted)),
            ("nodes sent", accepted),
            twice,
        ),
        CountPair::new(
            "telemetry through the queue",
            ("nodes queued", accepted),
            ("consumers handled", telemetry.handled),
            twice,
        ),
    ];
    let pairs = pairs.into_iter();
    pairs
        .map(|pair| pair.with_incomplete(incomplete.as_deref()))
        .collect()
}

/// Compares the consumers' own counts with the lines of their journals.
fn journal_pair(window: &RunWindow) -> CountPair {
    let journals = journal_counts(window);
    let lines = |journals: JournalCounts| journals.handled + journals.duplicated + journals.unknown;
    let unreadable = journals.map_or(0, |journals| journals.unreadable);
    CountPair::new(
        "handled telemetry",
        (
            "consumers counted",
            role_total(window, SourceRole::Consumer, gauge::TELEMETRY_HANDLED),
        ),
        ("their journals show", journals.map(lines)),
        // A redelivered record may be handled after the last sample.
        unreadable + recent_growth(window, SourceRole::Consumer, gauge::TELEMETRY_HANDLED),
    )
    .with_incomplete(incomplete_reason_of(window, SourceRole::Consumer).as_deref())
}
