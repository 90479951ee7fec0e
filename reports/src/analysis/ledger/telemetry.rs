//! Telemetry records, from the device to the consumers' journals.

use highwater_scenarios::plan::SystemSpec;

use super::{
    ClientCounts, CountPair,
    counts::{incomplete_reason, incomplete_reason_of, lost_sockets, recent_growth, role_total},
    ledger_side,
};
use crate::{
    analysis::{
        run_window::RunWindow,
        telemetry::{JournalCounts, TelemetrySummary, journal_counts},
    },
    record::{SourceRole, names::gauge},
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
    if let SystemSpec::Cluster(_) = &window.record.manifest.plan.system {
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
            ledger_side("clients sent", Some(telemetry.sent + telemetry.resent)),
            ledger_side(
                "nodes answered",
                role_total(window, SourceRole::Node, gauge::TELEMETRY_ANSWERED),
            ),
            lost_sockets(window) * MAX_UNACKED_PER_DEVICE + unanswered,
        ),
        CountPair::new(
            "telemetry acceptances",
            ledger_side("clients received", Some(telemetry.accepted)),
            ledger_side("nodes sent", accepted),
            twice,
        ),
        CountPair::new(
            "telemetry through the queue",
            ledger_side("nodes queued", accepted),
            ledger_side("consumers handled", telemetry.handled),
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
    let lines =
        |journals: &JournalCounts| journals.handled + journals.duplicated + journals.unknown;
    let unreadable = journals.as_ref().map_or(0, |journals| journals.unreadable);
    CountPair::new(
        "handled telemetry",
        ledger_side(
            "consumers counted",
            role_total(window, SourceRole::Consumer, gauge::TELEMETRY_HANDLED),
        ),
        ledger_side("their journals show", journals.as_ref().map(lines)),
        // A redelivered record may be handled after the last sample.
        unreadable + recent_growth(window, SourceRole::Consumer, gauge::TELEMETRY_HANDLED),
    )
    .with_incomplete(incomplete_reason_of(window, SourceRole::Consumer).as_deref())
}
