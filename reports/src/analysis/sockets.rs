//! Device sockets, counted by the workers and by the nodes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{distribution::Distribution, run_window::RunWindow};
use crate::record::{
    SourceRole,
    names::{counter, gauge, latency},
};

/// The summary's `sockets`: device sockets over the whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the metric registry describes each field")]
pub struct SocketSummary {
    pub requested: u64,
    pub opened: u64,
    pub failed: u64,
    pub dropped: u64,
    pub open_peak: u64,
    pub open_at_end: Option<u64>,
    pub server_open_peak: Option<u64>,
    pub connect_rate_per_s: Option<f64>,
    pub connect_ms: Distribution,
    pub reconnect_ms: Distribution,
}

/// Computes the section.
pub(super) fn sockets(window: &RunWindow) -> SocketSummary {
    let requested = window.counter_total(counter::SOCKETS_DUE);
    let opened = window.counter_total(counter::SOCKETS_OPENED);
    let open_at_end = window.sum_at(SourceRole::Worker, gauge::SOCKETS_OPEN, window.end());
    SocketSummary {
        requested,
        opened,
        failed: requested.saturating_sub(opened),
        dropped: dropped(window),
        open_peak: open_peak(window, SourceRole::Worker).unwrap_or(0),
        open_at_end: open_at_end.map(|open| open as u64),
        server_open_peak: open_peak(window, SourceRole::Node),
        connect_rate_per_s: connect_rate(window),
        connect_ms: window.connect_distribution_of(latency::CONNECT),
        reconnect_ms: window.connect_distribution_of(latency::RECONNECT),
    }
}

/// Counts sockets that ended in any way except the announced one.
fn dropped(window: &RunWindow) -> u64 {
    // A server that closes with 1012 asks the client to reconnect: a restart, not a failure.
    window.family_total(counter::DISCONNECT) - window.counter_total(counter::DISCONNECT_ASKED)
}

/// Returns the highest sum of open sockets over the sources of a role.
fn open_peak(window: &RunWindow, role: SourceRole) -> Option<u64> {
    let range = window.range();
    window
        .sources
        .sum_per_second(role, gauge::SOCKETS_OPEN)
        .into_iter()
        // The sample at the window's last instant still belongs to it.
        .filter(|total| range.contains(&total.at_s) || total.at_s == range.end)
        .map(|total| total.value as u64)
        .max()
}

/// Returns the sockets opened per second between the first and the last row with one.
fn connect_rate(window: &RunWindow) -> Option<f64> {
    let range = window.opening_range()?;
    let opened: Vec<(f64, f64, u64)> = window
        .sources
        .with_role(SourceRole::Worker)
        .flat_map(|(_, series)| series.rows_in(range.clone()))
        .map(|row| (row.at, row.end(), row.counter(counter::SOCKETS_OPENED)))
        // Rows without an opening at either end of the ramp would lower the rate.
        .filter(|(_, _, count)| *count > 0)
        .collect();
    let first = opened.iter().map(|(at, ..)| *at).reduce(f64::min)?;
    let last = opened.iter().map(|(at, ..)| *at).reduce(f64::max)?;
    let rate = |from: f64, to: f64| {
        let counts = opened.iter().filter(|(at, ..)| *at < to);
        let count: u64 = counts.map(|(_, _, count)| count).sum();
        count as f64 / (to - from)
    };
    // The last row is seldom full, and a straggler in it would halve the rate of a short
    // ramp. It is left out where there are others.
    if last > first {
        return Some(rate(first, last));
    }
    let end = opened.iter().map(|(_, end, _)| *end).reduce(f64::max)?;
    (end > first).then(|| rate(first, end))
}

/// Counts sockets that opened, reconnected or ended between two instants, over all workers:
/// the most by which two counts taken in that time may differ.
pub(super) fn turnover(window: &RunWindow, from: f64, to: f64) -> u64 {
    let rows = window.worker_rows_touching(from..to);
    rows.map(|row| {
        row.counter(counter::SOCKETS_OPENED)
            + row.counter(counter::SOCKETS_REOPENED)
            + row.family_total(counter::DISCONNECT)
    })
    .sum()
}
