//! How long a cluster takes to hold again what it held before an event.
//!
//! Two witnesses are asked, because each misses something. The nodes' gauges
//! show a dip that lasts over a sample; sockets that are lost and come back
//! between two samples leave no trace in them. The workers' counters have every
//! socket that ended and every one that opened, by the second; but a node that
//! hangs with its sockets open ends none of them.

use std::{collections::BTreeMap, ops::Range};

use super::{
    run_window::RunWindow,
    sockets::{by_kind, total_at},
    source_series::{ANSWERED_WITHIN_S, Sample},
};
use crate::record::{
    IntervalRow, SourceRole,
    names::{counter, gauge},
};

/// The cluster has settled when it holds this part of what it held before.
const RECOVERED_SHARE: f64 = 0.99;

/// What the nodes together held over time; `None` when no node says.
pub(super) fn open_sockets(cut: &RunWindow) -> Option<Vec<Sample>> {
    let totals = cut
        .series
        .sum_per_second(SourceRole::Node, gauge::SOCKETS_OPEN);
    (!totals.is_empty()).then_some(totals)
}

/// Seconds from the start of `after`, an event, until the cluster holds 99 % of
/// what it held then, for good: to the end of the second in which it gets there,
/// so never less than it was. 0 when it never lost a hundredth; `None` when it
/// was not there at the end of `after`. Of the nodes' gauges those in `sampled` count.
pub(super) fn recovered_after(
    cut: &RunWindow,
    held: &[Sample],
    after: &Range<f64>,
    sampled: &Range<f64>,
) -> Option<f64> {
    let untouched = total_at(held, after.start - ANSWERED_WITHIN_S);
    let before = untouched.or_else(|| total_at(held, after.start))?;
    let witnesses = [
        dip_of_gauges(held, before, sampled),
        dip_of_counters(cut, before, after),
    ];
    let lengths = witnesses.map(|dip| dip.length_s(after.start));
    lengths
        .into_iter()
        .try_fold(0.0, |longest: f64, length| Some(longest.max(length?)))
}

/// What one witness saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Dip {
    /// All was as it should be, all the time.
    None,
    /// It was again, for good, at this instant on the run's clock.
    EndedAt(f64),
    /// It was not, as long as was looked.
    Lasting,
}

impl Dip {
    /// The next look shows it to be as it should, or `amiss`.
    pub(super) fn observe(self, at_s: f64, amiss: bool) -> Self {
        match (self, amiss) {
            (_, true) => Self::Lasting,
            (Self::Lasting, false) => Self::EndedAt(at_s),
            (seen, false) => seen,
        }
    }

    /// How long after `start_s` it was over; `None` if it was not.
    pub(super) fn length_s(self, start_s: f64) -> Option<f64> {
        match self {
            Self::None => Some(0.0),
            Self::EndedAt(end_s) => Some(end_s - start_s),
            Self::Lasting => None,
        }
    }
}

fn dip_of_gauges(held: &[Sample], before: f64, after: &Range<f64>) -> Dip {
    let enough = before * RECOVERED_SHARE;
    held.iter()
        .filter(|total| total.at_s > after.start && total.at_s <= after.end)
        .fold(Dip::None, |dip, total| {
            dip.observe(total.at_s, total.value < enough)
        })
}

/// Sockets that ended are missing until as many have opened. What ended and
/// opened within one second is missing to that second's end.
fn dip_of_counters(cut: &RunWindow, before: f64, after: &Range<f64>) -> Dip {
    let bearable = before * (1.0 - RECOVERED_SHARE);
    let (mut missing, mut dip) = (0.0_f64, Dip::None);
    for (end_s, turnover) in turnover_by_second(cut, after) {
        let most = missing + turnover.ended as f64;
        missing = most - turnover.opened as f64;
        if most > bearable {
            dip = Dip::Lasting;
        }
        dip = dip.observe(end_s, missing > bearable);
    }
    dip
}

/// Sockets of all workers that ended and opened in one second.
#[derive(Debug, Clone, Copy, Default)]
struct Turnover {
    ended: u64,
    opened: u64,
}

/// By the end of the second, in whole milliseconds so that the workers' lines of
/// one second fall together, then as seconds. The event's own second begins
/// before it.
fn turnover_by_second(
    cut: &RunWindow,
    after: &Range<f64>,
) -> impl Iterator<Item = (f64, Turnover)> {
    let mut seconds: BTreeMap<i64, Turnover> = BTreeMap::new();
    let lines = cut.series.with_role(SourceRole::Worker);
    let lines = lines
        .flat_map(|(_, track)| track.rows())
        .filter(|line| line.end() > after.start && line.end() <= after.end);
    for line in lines {
        let turnover = seconds
            .entry((line.end() * 1e3).round() as i64)
            .or_default();
        turnover.ended += disconnects(line);
        turnover.opened +=
            line.counter(counter::SOCKETS_OPENED) + line.counter(counter::SOCKETS_REOPENED);
    }
    seconds
        .into_iter()
        .map(|(end_ms, turnover)| (end_ms as f64 / 1e3, turnover))
}

fn disconnects(line: &IntervalRow) -> u64 {
    by_kind(line, counter::DISCONNECT)
        .map(|(_, count)| count)
        .sum()
}
