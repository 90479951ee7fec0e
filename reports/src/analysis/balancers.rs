//! Balancers in front of the nodes: their processes, their sockets and their cost.

use std::{collections::BTreeMap, ops::Range};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    growth::sample_range,
    processes::{ProcessSummary, natural_sort_key, process_summary},
    run_window::RunWindow,
    source_series::{Sample, SourceSeries},
};
use crate::record::{SourceRole, names::gauge};

/// Seconds between two samples of sockets beyond which the time between them is unknown.
const MAX_SAMPLE_GAP_S: f64 = 5.0;

/// A balancer; `null` where it does not report a count. Its sockets are those that it
/// forwards, by its own count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BalancerSummary {
    /// Process of the balancer.
    #[serde(flatten)]
    pub process: ProcessSummary,
    /// Most sockets at once that were assigned to a node and not open yet.
    pub pending_peak: Option<u64>,
    /// Sockets forwarded to each node, before the drain.
    pub sockets_by_node_at_end: Option<BTreeMap<String, u64>>,
    /// CPU time in the steady phase per socket and second, in microseconds.
    pub cpu_us_per_socket_s: Option<f64>,
}

/// Computes the section, by id.
pub(super) fn balancers(window: &RunWindow) -> Vec<BalancerSummary> {
    let balancers = window.sources.with_role(SourceRole::Balancer);
    let mut balancers: Vec<BalancerSummary> = balancers
        .map(|(id, series)| BalancerSummary {
            process: process_summary(window, SourceRole::Balancer, id, series),
            pending_peak: series
                .peak(gauge::BALANCER_PENDING, window.range())
                .map(|value| value as u64),
            sockets_by_node_at_end: sockets_by_node_at(series, window.end()),
            cpu_us_per_socket_s: cpu_us_per_socket_s(window, series),
        })
        .collect();
    balancers.sort_by_cached_key(|balancer| natural_sort_key(&balancer.process.id));
    balancers
}

/// Returns the sockets by node in the last sample before an instant that names any node.
pub(super) fn sockets_by_node_at(
    series: &SourceSeries,
    at_s: f64,
) -> Option<BTreeMap<String, u64>> {
    let before = series.rows().iter().rev().filter(|row| row.end() <= at_s);
    before
        // An older sample would show a state that later events changed.
        .take_while(|row| at_s - row.end() <= MAX_SAMPLE_GAP_S)
        .map(|row| {
            row.gauge_family(gauge::BALANCER_SOCKETS_BY_NODE)
                .map(|(node, sockets)| (node.to_owned(), sockets as u64))
                .collect::<BTreeMap<_, _>>()
        })
        .find(|by_node| !by_node.is_empty())
}

/// Returns the CPU time per socket and second; `None` without sockets in the steady phase,
/// or when one of the two was not measured.
fn cpu_us_per_socket_s(window: &RunWindow, series: &SourceSeries) -> Option<f64> {
    let steady = window.distribution_range()?;
    let sampled = sample_range(&steady);
    let used_s = series.growth(gauge::CPU, sampled.clone())?;
    let socket_seconds = socket_seconds(series, sampled)?;
    (socket_seconds > 0.0).then(|| used_s * 1e6 / socket_seconds)
}

/// Integrates the forwarded sockets over `range`.
fn socket_seconds(series: &SourceSeries, range: Range<f64>) -> Option<f64> {
    let samples: Vec<Sample> = series.gauge(gauge::BALANCER_SOCKETS).collect();
    // A pair counts when its second sample lies in the range, because the growth of the CPU
    // time starts from the sample before the range as well.
    let pairs = samples.windows(2);
    let pairs = pairs.filter(|pair| range.contains(&pair[1].at_s));
    let pieces = pairs.map(|pair| {
        let length_s = pair[1].at_s - pair[0].at_s;
        // The trapezoid is exact while sockets open at a constant rate.
        (length_s <= MAX_SAMPLE_GAP_S).then(|| (pair[0].value + pair[1].value) / 2.0 * length_s)
    });
    let pieces: Vec<f64> = pieces.collect::<Option<_>>()?;
    (!pieces.is_empty()).then(|| pieces.iter().sum())
}
