//! The time in which a cluster recovers from an event: until it holds again nearly as many
//! sockets as before.
//!
//! Two measurements are combined, because each misses something. The nodes' gauges show a
//! dip that lasts over a sample, but no socket that is lost and reconnects between two
//! samples. The workers' counters show every socket that ended or opened, but a node that
//! hangs with its sockets open ends none of them.

use std::{collections::BTreeMap, ops::Range};

use super::{
    run_window::RunWindow,
    source_series::{ANSWERED_WITHIN_S, Sample},
};
use crate::record::{
    SourceRole,
    names::{counter, gauge},
};

/// Share of the former sockets that a recovered cluster holds.
const RECOVERED_SHARE: f64 = 0.99;

/// The dip that one measurement shows after an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Dip {
    /// No sample was below the threshold.
    None,
    /// The last sample below the threshold was followed by one above it at this instant on
    /// the run's clock.
    EndedAt(f64),
    /// The last sample is below the threshold.
    Lasting,
}

/// Sockets of all workers that ended and opened in one second.
#[derive(Debug, Clone, Copy, Default)]
struct Turnover {
    ended: u64,
    opened: u64,
}

/// Returns the sockets that all nodes together held over time; `None` when no node reports
/// them.
pub(super) fn open_sockets(window: &RunWindow) -> Option<Vec<Sample>> {
    let sources = window.sources;
    let totals = sources.sum_per_second(SourceRole::Node, gauge::SOCKETS_OPEN);
    (!totals.is_empty()).then_some(totals)
}

/// Returns the seconds from the start of `after`, an event, until the cluster holds 99 % of
/// its sockets for good.
///
/// The time runs to the end of the second, so it is never too short. It is 0 when the
/// cluster never lost a hundredth, and `None` when it had not recovered at the end of
/// `after`. Of the nodes' gauges, those in `sampled` count.
pub(super) fn recovered_after(
    window: &RunWindow,
    open_sockets: &[Sample],
    after: &Range<f64>,
    sampled: &Range<f64>,
) -> Option<f64> {
    // A sample just before the event may show its effect already, so the one before that
    // is preferred.
    let untouched = total_at(open_sockets, after.start - ANSWERED_WITHIN_S);
    let before = untouched.or_else(|| total_at(open_sockets, after.start))?;
    let gauges = gauge_dip(open_sockets, before, sampled).length_s(after.start)?;
    let counters = counter_dip(window, before, after).length_s(after.start)?;
    Some(gauges.max(counters))
}

impl Dip {
    /// Adds the next sample, which is below the threshold or not.
    pub(super) fn observe(self, at_s: f64, below: bool) -> Self {
        match (self, below) {
            (_, true) => Self::Lasting,
            (Self::Lasting, false) => Self::EndedAt(at_s),
            (dip, false) => dip,
        }
    }

    /// Returns the seconds from `start_s` to the end of the dip; `None` while it lasts.
    pub(super) fn length_s(self, start_s: f64) -> Option<f64> {
        match self {
            Self::None => Some(0.0),
            Self::EndedAt(end_s) => Some(end_s - start_s),
            Self::Lasting => None,
        }
    }
}

fn gauge_dip(open_sockets: &[Sample], before: f64, after: &Range<f64>) -> Dip {
    // The threshold is a share of the sockets before the event, not of the plan.
    let enough = before * RECOVERED_SHARE;
    open_sockets
        .iter()
        .filter(|total| total.at_s > after.start && total.at_s <= after.end)
        .fold(Dip::None, |dip, total| {
            dip.observe(total.at_s, total.value < enough)
        })
}

/// Sockets that ended are missing until as many have opened.
fn counter_dip(window: &RunWindow, before: f64, after: &Range<f64>) -> Dip {
    let bearable = before * (1.0 - RECOVERED_SHARE);
    let (mut missing, mut dip) = (0.0_f64, Dip::None);
    for (end_s, turnover) in turnover_by_second(window, after) {
        // The order within a second is unknown: all that ended count as missing before any
        // that opened do, to the end of that second.
        let most = missing + turnover.ended as f64;
        missing = most - turnover.opened as f64;
        if most > bearable {
            dip = Dip::Lasting;
        }
        dip = dip.observe(end_s, missing > bearable);
    }
    dip
}

/// Returns the turnover of each second that ends in `after`, by the second's end. The
/// event's own second began before it and is included.
fn turnover_by_second(
    window: &RunWindow,
    after: &Range<f64>,
) -> impl Iterator<Item = (f64, Turnover)> {
    // Whole milliseconds as the key: the rows of different workers then share a second.
    let mut seconds: BTreeMap<i64, Turnover> = BTreeMap::new();
    let rows = window.worker_rows_touching(after.start..f64::INFINITY);
    for row in rows.filter(|row| row.end() <= after.end) {
        let turnover = seconds.entry((row.end() * 1e3).round() as i64).or_default();
        turnover.ended += row.family_total(counter::DISCONNECT);
        turnover.opened +=
            row.counter(counter::SOCKETS_OPENED) + row.counter(counter::SOCKETS_REOPENED);
    }
    seconds
        .into_iter()
        .map(|(end_ms, turnover)| (end_ms as f64 / 1e3, turnover))
}

/// Returns the last total at or before an instant.
fn total_at(totals: &[Sample], at_s: f64) -> Option<f64> {
    let before = totals.iter().take_while(|total| total.at_s <= at_s);
    Some(before.last()?.value)
}
