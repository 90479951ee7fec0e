//! Device sockets, counted by the workers and by the nodes.

use std::ops::Range;

use highwater_scenarios::plan::PhaseWindow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    conn_events::{BUCKETS_PER_SECOND, ConnEvents},
    distribution::Distribution,
    run_window::RunWindow,
};
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
    #[serde(default)]
    pub connect_open_ms: Distribution,
    pub reconnect_ms: Distribution,
}

/// Computes the summary's `sockets`.
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
        connect_open_ms: window.connect_distribution_of(latency::CONNECT_OPEN),
        reconnect_ms: window.connect_distribution_of(latency::RECONNECT),
    }
}

/// Counts sockets that ended before the drain, except by a close with 1012.
fn dropped(window: &RunWindow) -> u64 {
    // The drain closes all sockets, so a socket that the server closes there is not dropped.
    // Phases begin at whole seconds, so each row belongs to one phase.
    let drain = window.record.phases.range(PhaseWindow::Drain);
    let drain_start = drain.map_or(f64::INFINITY, |drain| drain.start);
    let rows = window.worker_rows().filter(|row| row.at < drain_start);
    rows.map(|row| {
        // A server that closes with 1012 asks the client to reconnect: a restart, not a
        // failure.
        row.family_total(counter::DISCONNECT)
            .saturating_sub(row.counter(counter::DISCONNECT_ASKED))
    })
    .sum()
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

/// Returns the number of sockets opened per second, from the first opening of the window to
/// the last; `None` if all opened in one bucket of 100 ms, or if none opened.
fn connect_rate(window: &RunWindow) -> Option<f64> {
    let range = window.opening_range()?;
    let events = ConnEvents::of(window);
    let buckets = events.buckets_in(range.clone()).iter();
    // The start of each bucket, and the sockets opened in it.
    let mut opened: Vec<(f64, u64)> = buckets
        .map(|bucket| (bucket.start_s(), bucket.opened_total()))
        .collect();
    if opened.iter().all(|(_, count)| *count == 0) {
        // Earlier versions counted no connection events for a target whose answers do not
        // name the node.
        opened = opened_per_row(window, range);
    }
    // Buckets without an opening before the first or after the last would lower the rate.
    opened.retain(|(_, count)| *count > 0);
    let (first, last) = (opened.first()?.0, opened.last()?.0);
    // The time ends with the start of the last bucket, so its sockets do not count.
    let before_last = opened.iter().filter(|(at, _)| *at < last);
    let count: u64 = before_last.map(|(_, count)| count).sum();
    // Starts are whole buckets, so rounding removes the error of their difference alone.
    let buckets = ((last - first) * BUCKETS_PER_SECOND).round();
    (buckets > 0.0).then(|| count as f64 * BUCKETS_PER_SECOND / buckets)
}

/// Returns the start of each interval row of the workers, in order of time, and the number of
/// sockets opened in it.
fn opened_per_row(window: &RunWindow, range: Range<f64>) -> Vec<(f64, u64)> {
    let mut opened: Vec<(f64, u64)> = window
        .sources
        .with_role(SourceRole::Worker)
        .flat_map(|(_, series)| series.rows_in(range.clone()))
        .map(|row| (row.at, row.counter(counter::SOCKETS_OPENED)))
        .collect();
    opened.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    opened
}

/// Counts sockets that opened, reconnected or ended between two instants, over all workers.
/// Two counts of open sockets taken in this time differ by at most this number.
pub(super) fn turnover(window: &RunWindow, from: f64, to: f64) -> u64 {
    let rows = window.worker_rows_touching(from..to);
    rows.map(|row| {
        row.counter(counter::SOCKETS_OPENED)
            + row.counter(counter::SOCKETS_REOPENED)
            + row.family_total(counter::DISCONNECT)
    })
    .sum()
}
