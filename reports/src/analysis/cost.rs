//! The cost of one more socket at each kind of process.
//!
//! Samples are taken from the ramp and the steady phase while the number of sockets grows
//! or stays. Processes do not return memory at once, so a falling number says nothing about
//! the cost. The first sockets of a process say nothing either: with them it makes its
//! allocator's arenas, its threads' stacks and its buffers, once.
//!
//! A restarted process has an intercept of its own, and so has a balancer after each reload.
//! Each phase has its own as well when commands, messages or telemetry begin with the
//! steady one, because those cost memory too.

use highwater_scenarios::plan::Join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    fit::{FitPoint, SlopeFit, slope},
    processes::sockets_gauge,
    run_window::RunWindow,
    source_series::{Sample, SourceSeries},
};
use crate::record::{RecordEvent, SourceRole, names::gauge};

/// Share of the highest number of sockets so far below which the number counts as falling.
const MIN_SHARE_OF_PEAK: f64 = 0.98;
/// Sockets of a process below which a sample shows what the process pays once.
const FIRST_SOCKETS: f64 = 100.0;
/// Seconds after the start of the steady phase in which a sample still shows sockets alone.
const BEFORE_TRAFFIC_S: f64 = 0.1;
/// Seconds within which two measurements belong to the same moment.
const SAME_MOMENT_S: f64 = 3.0;

/// The summary's `cost_per_socket`, in bytes or files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the metric registry describes each field")]
pub struct CostPerSocket {
    pub node_rss: Option<SlopeFit>,
    pub node_heap: Option<SlopeFit>,
    pub node_open_files: Option<SlopeFit>,
    pub worker_rss: Option<SlopeFit>,
    pub balancer_rss: Option<SlopeFit>,
    pub balancer_open_files: Option<SlopeFit>,
    pub kernel: Option<SlopeFit>,
}

/// Computes the section.
pub(super) fn cost_per_socket(window: &RunWindow) -> CostPerSocket {
    let fit = |role, name| cost_fit(window, role, name).cost;
    CostPerSocket {
        node_rss: fit(SourceRole::Node, gauge::RSS),
        node_heap: fit(SourceRole::Node, gauge::HEAP),
        node_open_files: fit(SourceRole::Node, gauge::OPEN_FILES),
        worker_rss: fit(SourceRole::Worker, gauge::RSS),
        balancer_rss: fit(SourceRole::Balancer, gauge::RSS),
        balancer_open_files: fit(SourceRole::Balancer, gauge::OPEN_FILES),
        kernel: significant(kernel_cost(window)),
    }
}

/// A fit of a cost, for the summary and for a chart.
pub(crate) struct CostFit {
    /// The samples: for each process of a role its groups, each with an intercept of its own.
    pub(crate) processes: Vec<(String, Vec<Vec<FitPoint>>)>,
    /// The cost; `None` if it was not measured.
    pub(crate) cost: Option<SlopeFit>,
}

/// Fits a gauge of all processes of a role over their sockets.
pub(crate) fn cost_fit(window: &RunWindow, role: SourceRole, name: &str) -> CostFit {
    let processes = window.sources.with_role(role);
    let processes: Vec<(String, Vec<Vec<FitPoint>>)> = processes
        .map(|(id, series)| {
            let sockets: Vec<Sample> = series.gauge(sockets_gauge(role)).collect();
            let cost: Vec<Sample> = series.gauge(name).collect();
            let breakpoints = breakpoints(window, id, series);
            (id.to_owned(), point_groups(&sockets, &cost, &breakpoints))
        })
        .collect();
    let groups = processes.iter().flat_map(|(_, groups)| groups.clone());
    let groups: Vec<Vec<FitPoint>> = groups.collect();
    CostFit {
        cost: significant(slope(&groups)),
        processes,
    }
}

/// Discards a slope whose interval contains zero: it was not measured.
fn significant(fit: Option<SlopeFit>) -> Option<SlopeFit> {
    fit.filter(|fit| fit.low > 0.0)
}

/// Fits kernel memory over the socket ends on this machine; `None` when a balancer forwards
/// sockets and does not report how many.
fn kernel_cost(window: &RunWindow) -> Option<SlopeFit> {
    let (_, host) = window.sources.with_role(SourceRole::Host).next()?;
    let memory: Vec<Sample> = host
        .rows()
        .iter()
        .filter_map(|row| {
            let slab = row.gauge(gauge::KERNEL_SLAB)?;
            // Slab holds the sockets themselves; idle sockets have nothing in TCP buffers.
            let tcp = row.gauge(gauge::KERNEL_TCP).unwrap_or(0.0);
            Some(Sample {
                at_s: row.end(),
                value: slab + tcp,
            })
        })
        .collect();
    let total = |role| window.sources.sum_per_second(role, sockets_gauge(role));
    let clients = total(SourceRole::Worker);
    let servers = total(SourceRole::Node);
    let forwarded = total(SourceRole::Balancer);
    let mut balancers = window.sources.with_role(SourceRole::Balancer);
    if forwarded.is_empty() && balancers.next().is_some() {
        return None;
    }
    let at = |totals: &[Sample], at_s: f64| match totals.is_empty() {
        true => Some(0.0),
        false => interpolated(totals, at_s),
    };
    let ends = clients.iter().filter_map(|client| {
        // A balancer holds two ends of each socket that it forwards.
        let others = at(&servers, client.at_s)? + 2.0 * at(&forwarded, client.at_s)?;
        Some(Sample {
            at_s: client.at_s,
            value: client.value + others,
        })
    });
    let ends: Vec<Sample> = ends.collect();
    slope(&point_groups(&ends, &memory, &phase_breakpoints(window)))
}

/// Returns the instants at which the intercept of a process changes. The first and the last
/// of them bound the samples that are used at all.
fn breakpoints(window: &RunWindow, id: &str, series: &SourceSeries) -> Vec<f64> {
    let phases = phase_breakpoints(window);
    let mut breakpoints = phases.clone();
    breakpoints.extend(series.restarts().unwrap_or_default());
    breakpoints.extend(reload_times(window, id));
    breakpoints.sort_by(f64::total_cmp);
    if let (Some(first), Some(last)) = (phases.first(), phases.last()) {
        breakpoints.retain(|at| (first..=last).contains(&at));
    }
    breakpoints
}

/// Returns the instants at which a balancer was reloaded. A reload starts another process
/// beside the old one.
fn reload_times(window: &RunWindow, id: &str) -> impl Iterator<Item = f64> {
    let events = window.record.events.iter();
    events.filter_map(move |event| match &event.kind {
        RecordEvent::BalancerReconfigured {
            id: balancer,
            how: Join::Reload,
            ..
        } if balancer == id => Some(event.at),
        _ => None,
    })
}

fn phase_breakpoints(window: &RunWindow) -> Vec<f64> {
    let phases = &window.record.phases;
    let Some(start) = phases.ramp.or(phases.steady) else {
        return Vec::new();
    };
    let plan = &window.record.manifest.plan;
    // Without traffic the steady phase has the same intercept as the ramp.
    let idle = plan.commands.is_empty()
        && plan.messages.is_empty()
        && plan.publish.is_empty()
        && plan.telemetry.is_empty();
    let steady = phases.steady.filter(|&steady| !idle && steady > start);
    let traffic = steady.map(|steady| steady + BEFORE_TRAFFIC_S);
    // Without a drain the last row belongs to the run, so its end must lie inside.
    let end = phases.drain.unwrap_or(phases.end + 1.0);
    [Some(start), traffic, Some(end)]
        .into_iter()
        .flatten()
        .collect()
}

fn point_groups(sockets: &[Sample], cost: &[Sample], breakpoints: &[f64]) -> Vec<Vec<FitPoint>> {
    breakpoints
        .windows(2)
        .map(|ends| growing_points(sockets, cost, ends[0], ends[1]))
        .collect()
}

fn growing_points(sockets: &[Sample], cost: &[Sample], from: f64, to: f64) -> Vec<FitPoint> {
    let mut most = 0.0_f64;
    let mut points = Vec::new();
    for sample in cost.iter().filter(|s| s.at_s >= from && s.at_s < to) {
        let Some(open) = interpolated(sockets, sample.at_s) else {
            continue;
        };
        // The peak so far, not of the whole run: growth after a dip is still growth.
        most = most.max(open);
        if open >= (most * MIN_SHARE_OF_PEAK).max(FIRST_SOCKETS) {
            points.push((open, sample.value));
        }
    }
    points
}

/// Returns the value at an instant, on the line between the neighbouring samples.
fn interpolated(samples: &[Sample], at_s: f64) -> Option<f64> {
    let next = samples.partition_point(|sample| sample.at_s < at_s);
    let after = samples.get(next).filter(|s| s.at_s - at_s <= SAME_MOMENT_S);
    if let Some(after) = after.filter(|after| after.at_s == at_s) {
        return Some(after.value);
    }
    // Sockets and memory are sampled at different instants of a second.
    let before = next.checked_sub(1).and_then(|index| samples.get(index));
    let before = before.filter(|s| at_s - s.at_s <= SAME_MOMENT_S)?;
    let after = after?;
    let part = (at_s - before.at_s) / (after.at_s - before.at_s);
    Some(before.value + part * (after.value - before.value))
}
