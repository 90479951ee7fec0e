//! Readings, from the device to the consumers' journals.

use highwater_scenarios::plan::System;

use super::{Pair, doubt, doubt_of, lately, lost_sockets, side, total};
use crate::{
    analysis::{
        run_window::Cut,
        telemetry::{Reconciled, reconciled},
    },
    record::{Role, names::gauge},
    summary::{Readings, Summary},
};

/// Readings of a device that may be without an answer when its socket is lost.
const DEVICE_WINDOW: u64 = 16;

/// What each hand that a reading goes through counts; nothing without readings.
pub(super) fn pairs(cut: &Cut, summary: &Summary) -> Vec<Pair> {
    let Some(readings) = &summary.readings else {
        return Vec::new();
    };
    let mut pairs = through_the_nodes(cut, readings);
    if let System::Cluster(_) = &cut.record.manifest.plan.system {
        pairs.push(at_the_consumers(cut));
    }
    pairs
}

fn through_the_nodes(cut: &Cut, readings: &Readings) -> Vec<Pair> {
    let doubt = doubt(cut);
    let unanswered = readings.sent.saturating_sub(readings.accepted);
    let taken = total(cut, Role::Node, gauge::READINGS_TAKEN);
    // Sent again, because the socket that its acceptance went to was lost.
    let twice = readings.resent + unanswered;
    let pairs = [
        Pair::new(
            "readings",
            side("clients sent", Some(readings.sent + readings.resent)),
            side(
                "nodes answered",
                total(cut, Role::Node, gauge::READINGS_ANSWERED),
            ),
            lost_sockets(cut) * DEVICE_WINDOW + unanswered,
        ),
        Pair::new(
            "acceptances of readings",
            side("clients received", Some(readings.accepted)),
            side("nodes sent", taken),
            twice,
        ),
        Pair::new(
            "readings through the queue",
            side("nodes handed over", taken),
            side("consumers handled", readings.handled),
            twice,
        ),
    ];
    let pairs = pairs.into_iter();
    pairs
        .map(|pair| pair.with_doubt(doubt.as_deref()))
        .collect()
}

/// What consumers say that they have handled, and what they wrote down.
fn at_the_consumers(cut: &Cut) -> Pair {
    let journals = reconciled(cut);
    let lines = |journals: &Reconciled| journals.handled + journals.duplicated + journals.unknown;
    let unreadable = journals.as_ref().map_or(0, |journals| journals.unreadable);
    Pair::new(
        "handled readings",
        side(
            "consumers counted",
            total(cut, Role::Consumer, gauge::READINGS_HANDLED),
        ),
        side("their journals show", journals.as_ref().map(lines)),
        // What is handled once more after all of it was.
        unreadable + lately(cut, Role::Consumer, gauge::READINGS_HANDLED),
    )
    .with_doubt(doubt_of(cut, Role::Consumer).as_deref())
}
