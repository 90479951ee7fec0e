//! What stands in front of the nodes, and what it costs.

use std::{collections::BTreeMap, ops::Range};

use super::{
    backplane::{growth_of, sample_range},
    processes::{natural_sort_key, process_summary},
    run_window::RunWindow,
    sockets::by_kind_of_gauge,
    source_series::{Sample, SourceSeries},
};
use crate::{
    record::{SourceRole, names::gauge},
    summary::BalancerSummary,
};

/// Samples of sockets further apart than this say nothing about what was between.
const MAX_SAMPLE_GAP_S: f64 = 5.0;

/// The summary's `balancer`, by id.
pub(crate) fn balancers(cut: &RunWindow) -> Vec<BalancerSummary> {
    let mut balancers: Vec<BalancerSummary> = cut
        .series
        .with_role(SourceRole::Balancer)
        .map(|(id, track)| BalancerSummary {
            process: process_summary(cut, SourceRole::Balancer, id, track),
            pending_peak: track
                .peak(gauge::BALANCER_PENDING, cut.range())
                .map(|value| value as u64),
            sockets_by_node_at_end: sockets_by_node_at(track, cut.end()),
            cpu_us_per_socket_s: cpu_us_per_socket_s(cut, track),
        })
        .collect();
    balancers.sort_by_cached_key(|balancer| natural_sort_key(&balancer.process.id));
    balancers
}

/// Sockets by node in the last sample before an instant that says something of any.
pub(crate) fn sockets_by_node_at(track: &SourceSeries, at_s: f64) -> Option<BTreeMap<String, u64>> {
    let before = track.rows().iter().rev().filter(|line| line.end() <= at_s);
    before
        .take_while(|line| at_s - line.end() <= MAX_SAMPLE_GAP_S)
        .map(|line| {
            by_kind_of_gauge(line, gauge::BALANCER_SOCKETS_BY_NODE)
                .map(|(node, sockets)| (node.to_owned(), sockets as u64))
                .collect::<BTreeMap<_, _>>()
        })
        .find(|by_node| !by_node.is_empty())
}

/// `None` without sockets in the steady phase, or where one of the two is not known.
fn cpu_us_per_socket_s(cut: &RunWindow, track: &SourceSeries) -> Option<f64> {
    let steady = cut.distribution_range()?;
    let used_s = growth_of(track, gauge::CPU, &steady)?;
    let held = socket_seconds(track, sample_range(&steady))?;
    (held > 0.0).then(|| used_s * 1e6 / held)
}

/// Sockets summed over the time that they were forwarded, from the sample before the
/// range on, as the processor time is.
fn socket_seconds(track: &SourceSeries, range: Range<f64>) -> Option<f64> {
    let samples: Vec<Sample> = track.gauge(gauge::BALANCER_SOCKETS).collect();
    let pairs = samples.windows(2);
    let pairs = pairs.filter(|pair| range.contains(&pair[1].at_s));
    let pieces = pairs.map(|pair| {
        let length_s = pair[1].at_s - pair[0].at_s;
        (length_s <= MAX_SAMPLE_GAP_S).then(|| (pair[0].value + pair[1].value) / 2.0 * length_s)
    });
    let pieces: Option<Vec<f64>> = pieces.collect();
    pieces
        .filter(|pieces| !pieces.is_empty())
        .map(|pieces| pieces.iter().sum())
}
