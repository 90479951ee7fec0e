//! Device sockets.

use super::{run_window::RunWindow, source_series::Sample};
use crate::{
    record::{
        SourceRole,
        names::{counter, gauge, latency},
    },
    summary::SocketSummary,
};

/// The summary's `sockets`.
pub(crate) fn sockets(cut: &RunWindow) -> SocketSummary {
    let requested = cut.counter_total(counter::SOCKETS_DUE);
    let opened = cut.counter_total(counter::SOCKETS_OPENED);
    SocketSummary {
        requested,
        opened,
        failed: requested.saturating_sub(opened),
        dropped: dropped(cut),
        open_peak: open_peak(cut, SourceRole::Worker).unwrap_or(0),
        open_at_end: open_at_end(cut),
        server_open_peak: open_peak(cut, SourceRole::Node),
        connect_rate_per_s: connect_rate(cut),
        connect_ms: cut.connect_distribution_of(latency::CONNECT),
        reconnect_ms: cut.connect_distribution_of(latency::RECONNECT),
    }
}

/// Sockets that ended in any way but the announced one.
fn dropped(cut: &RunWindow) -> u64 {
    let lines = cut.series.with_role(SourceRole::Worker);
    let ended: u64 = lines
        .flat_map(|(_, track)| track.rows_in(cut.range()))
        .flat_map(|line| by_kind(line, counter::DISCONNECT))
        .map(|(_, count)| count)
        .sum();
    ended - cut.counter_total(counter::DISCONNECT_ASKED)
}

/// The highest sum over the sources of a role.
fn open_peak(cut: &RunWindow, role: SourceRole) -> Option<u64> {
    let range = cut.range();
    cut.series
        .sum_per_second(role, gauge::SOCKETS_OPEN)
        .into_iter()
        .filter(|total| range.contains(&total.at_s) || total.at_s == range.end)
        .map(|total| total.value as u64)
        .max()
}

/// As the workers count, at the cut's end; `None` when none of them showed it.
fn open_at_end(cut: &RunWindow) -> Option<u64> {
    let workers = cut.series.with_role(SourceRole::Worker);
    let open: Vec<f64> = workers
        .filter_map(|(_, track)| track.value_at(gauge::SOCKETS_OPEN, cut.end()))
        .collect();
    (!open.is_empty()).then(|| open.iter().sum::<f64>() as u64)
}

/// Sockets opened per second, from the first interval in which one opened to
/// the last. That one is left out where there are others: it is seldom full,
/// and a straggler in it would halve the rate of a short ramp.
fn connect_rate(cut: &RunWindow) -> Option<f64> {
    let range = cut.opening_range()?;
    let opened: Vec<(f64, f64, u64)> = cut
        .series
        .with_role(SourceRole::Worker)
        .flat_map(|(_, track)| track.rows_in(range.clone()))
        .map(|line| (line.at, line.end(), line.counter(counter::SOCKETS_OPENED)))
        .filter(|(_, _, count)| *count > 0)
        .collect();
    let first = opened.iter().map(|(at, ..)| *at).reduce(f64::min)?;
    let last = opened.iter().map(|(at, ..)| *at).reduce(f64::max)?;
    let rate = |from: f64, to: f64| {
        let counts = opened.iter().filter(|(at, ..)| *at < to);
        let count: u64 = counts.map(|(_, _, count)| count).sum();
        count as f64 / (to - from)
    };
    if last > first {
        return Some(rate(first, last));
    }
    let end = opened.iter().map(|(_, end, _)| *end).reduce(f64::max)?;
    (end > first).then(|| rate(first, end))
}

/// Sockets that opened, opened again or ended between two instants, over all
/// workers: how much counts taken a moment apart may differ.
pub(crate) fn turnover(cut: &RunWindow, from: f64, to: f64) -> u64 {
    let workers = cut.series.with_role(SourceRole::Worker);
    workers
        .flat_map(|(_, track)| track.rows())
        .filter(|line| line.end() > from && line.at < to)
        .map(|line| {
            let ended: u64 = by_kind(line, counter::DISCONNECT)
                .map(|(_, count)| count)
                .sum();
            line.counter(counter::SOCKETS_OPENED) + line.counter(counter::SOCKETS_REOPENED) + ended
        })
        .sum()
}

/// Counters `NAME.KIND` of a line, by kind.
pub(crate) fn by_kind<'a>(
    line: &'a crate::record::IntervalRow,
    name: &'a str,
) -> impl Iterator<Item = (&'a str, u64)> {
    line.counters()
        .filter_map(move |(key, count)| Some((key.strip_prefix(name)?.strip_prefix('.')?, count)))
}

/// Gauges `NAME.KIND` of a line, by kind.
pub(crate) fn by_kind_of_gauge<'a>(
    line: &'a crate::record::IntervalRow,
    name: &'a str,
) -> impl Iterator<Item = (&'a str, f64)> {
    line.gauges()
        .filter_map(move |(key, value)| Some((key.strip_prefix(name)?.strip_prefix('.')?, value)))
}

/// The last sum at or before an instant.
pub(crate) fn total_at(totals: &[Sample], at_s: f64) -> Option<f64> {
    let before = totals.iter().take_while(|total| total.at_s <= at_s);
    Some(before.last()?.value)
}
