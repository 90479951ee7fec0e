//! Device sockets.

use super::{cut::Cut, tracks::Sample};
use crate::{
    record::{
        Role,
        names::{counter, gauge, latency},
    },
    summary::Sockets,
};

/// The summary's `sockets`.
pub(crate) fn sockets(cut: &Cut) -> Sockets {
    let requested = cut.count(counter::SOCKETS_DUE);
    let opened = cut.count(counter::SOCKETS_OPENED);
    Sockets {
        requested,
        opened,
        failed: requested.saturating_sub(opened),
        open_peak: peak(cut, Role::Worker).unwrap_or(0),
        open_at_end: at_end(cut),
        server_open_peak: peak(cut, Role::Node),
        connect_rate_per_s: connect_rate(cut),
        connect_ms: cut.connect_times(latency::CONNECT),
    }
}

/// The highest sum over the sources of a role.
fn peak(cut: &Cut, role: Role) -> Option<u64> {
    let range = cut.range();
    cut.tracks
        .total(role, gauge::SOCKETS_OPEN)
        .into_iter()
        .filter(|total| range.contains(&total.at_s) || total.at_s == range.end)
        .map(|total| total.value as u64)
        .max()
}

/// As the workers count, at the cut's end; `None` when none of them showed it.
fn at_end(cut: &Cut) -> Option<u64> {
    let workers = cut.tracks.of(Role::Worker);
    let open: Vec<f64> = workers
        .filter_map(|(_, track)| track.at(gauge::SOCKETS_OPEN, cut.end()))
        .collect();
    (!open.is_empty()).then(|| open.iter().sum::<f64>() as u64)
}

/// Sockets opened per second, from the first interval in which one opened to
/// the end of the last.
fn connect_rate(cut: &Cut) -> Option<f64> {
    let range = cut.opening_range()?;
    let mut opened = 0;
    let mut first = f64::INFINITY;
    let mut last = f64::NEG_INFINITY;
    for (_, track) in cut.tracks.of(Role::Worker) {
        for line in track.within(range.clone()) {
            let count = line.counter(counter::SOCKETS_OPENED);
            if count > 0 {
                opened += count;
                first = first.min(line.at);
                last = last.max(line.end());
            }
        }
    }
    (last > first).then(|| opened as f64 / (last - first))
}

/// Sockets that opened, opened again or ended between two instants, over all
/// workers: how much counts taken a moment apart may differ.
pub(crate) fn turnover(cut: &Cut, from: f64, to: f64) -> u64 {
    let workers = cut.tracks.of(Role::Worker);
    workers
        .flat_map(|(_, track)| track.lines())
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
    line: &'a crate::record::Reading,
    name: &'a str,
) -> impl Iterator<Item = (&'a str, u64)> {
    line.counters()
        .filter_map(move |(key, count)| Some((key.strip_prefix(name)?.strip_prefix('.')?, count)))
}

/// The last sum at or before an instant.
pub(crate) fn total_at(totals: &[Sample], at_s: f64) -> Option<f64> {
    let before = totals.iter().take_while(|total| total.at_s <= at_s);
    Some(before.last()?.value)
}
