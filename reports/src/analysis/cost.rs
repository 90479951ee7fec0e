//! What one more socket costs a process.
//!
//! Samples are taken from the ramp and the steady phase while sockets grow or
//! stay: memory is not given back at once, so falling counts say nothing about
//! cost. A restarted process has an intercept of its own, and so has a balancer after
//! each reload; so has each phase when commands, messages or readings, which cost
//! memory as well, begin with the steady one.

use highwater_scenarios::plan::Join;

use super::{
    fit::{FitPoint, slope},
    processes::sockets_gauge,
    run_window::RunWindow,
    source_series::{Sample, SourceSeries},
};
use crate::{
    record::{RecordEvent, SourceRole, names::gauge},
    summary::{CostPerSocket, SlopeFit},
};

/// Sockets below this part of the most so far count as falling.
const MIN_SHARE_OF_PEAK: f64 = 0.98;
/// The sample taken as the steady phase begins still shows sockets alone.
const BEFORE_TRAFFIC_S: f64 = 0.1;
/// Two measurements further apart are not of the same moment.
const SAME_MOMENT_S: f64 = 3.0;

/// The summary's `cost_per_socket`.
pub(crate) fn cost_per_socket(cut: &RunWindow) -> CostPerSocket {
    let fit = |role, name| significant_slope(slope(&flatten_groups(fit_points(cut, role, name))));
    CostPerSocket {
        node_rss: fit(SourceRole::Node, gauge::RSS),
        node_heap: fit(SourceRole::Node, gauge::HEAP),
        node_open_files: fit(SourceRole::Node, gauge::OPEN_FILES),
        worker_rss: fit(SourceRole::Worker, gauge::RSS),
        balancer_rss: fit(SourceRole::Balancer, gauge::RSS),
        balancer_open_files: fit(SourceRole::Balancer, gauge::OPEN_FILES),
        kernel: significant_slope(kernel_cost(cut)),
    }
}

/// A slope that its own interval does not tell from nothing was not measured.
fn significant_slope(fit: Option<SlopeFit>) -> Option<SlopeFit> {
    fit.filter(|fit| fit.low > 0.0)
}

/// The samples that a fit uses: for each process of a role its groups, each
/// with an intercept of its own.
pub(crate) fn fit_points(
    cut: &RunWindow,
    role: SourceRole,
    name: &str,
) -> Vec<(String, Vec<Vec<FitPoint>>)> {
    let processes = cut.series.with_role(role);
    processes
        .map(|(id, track)| {
            let sockets: Vec<Sample> = track.gauge(sockets_gauge(role)).collect();
            let cost: Vec<Sample> = track.gauge(name).collect();
            (
                id.to_owned(),
                point_groups(&sockets, &cost, &breakpoints(cut, id, track)),
            )
        })
        .collect()
}

/// Kernel memory over sockets of both ends on this machine: the workers', the
/// nodes' where a node is seen from here, and both ends of those that a balancer
/// forwards; `None` when one forwards and does not say how many.
fn kernel_cost(cut: &RunWindow) -> Option<SlopeFit> {
    let (_, host) = cut.series.with_role(SourceRole::Host).next()?;
    let memory: Vec<Sample> = host
        .rows()
        .iter()
        .filter_map(|line| {
            let slab = line.gauge(gauge::KERNEL_SLAB)?;
            let tcp = line.gauge(gauge::KERNEL_TCP).unwrap_or(0.0);
            Some(Sample {
                at_s: line.end(),
                value: slab + tcp,
            })
        })
        .collect();
    let clients = cut
        .series
        .sum_per_second(SourceRole::Worker, gauge::SOCKETS_OPEN);
    let servers = cut
        .series
        .sum_per_second(SourceRole::Node, gauge::SOCKETS_OPEN);
    let forwarded = cut
        .series
        .sum_per_second(SourceRole::Balancer, sockets_gauge(SourceRole::Balancer));
    if forwarded.is_empty() && cut.series.with_role(SourceRole::Balancer).next().is_some() {
        return None;
    }
    let ends: Vec<Sample> = clients
        .iter()
        .filter_map(|client| {
            let at = |others: &[Sample]| match others.is_empty() {
                true => Some(0.0),
                false => interpolated(others, client.at_s),
            };
            Some(Sample {
                at_s: client.at_s,
                value: client.value + at(&servers)? + 2.0 * at(&forwarded)?,
            })
        })
        .collect();
    slope(&point_groups(&ends, &memory, &phase_breakpoints(cut)))
}

/// Instants at which a process's intercept changes, the first and the last of
/// them bounding what is used at all.
fn breakpoints(cut: &RunWindow, id: &str, track: &SourceSeries) -> Vec<f64> {
    let mut breaks = phase_breakpoints(cut);
    breaks.extend(track.restarts().unwrap_or_default());
    breaks.extend(reload_times(cut, id));
    breaks.sort_by(f64::total_cmp);
    if let (Some(first), Some(last)) = (
        phase_breakpoints(cut).first(),
        phase_breakpoints(cut).last(),
    ) {
        breaks.retain(|at| (first..=last).contains(&at));
    }
    breaks
}

/// A balancer that is reloaded has another process from then on, beside the old one.
fn reload_times(cut: &RunWindow, id: &str) -> impl Iterator<Item = f64> {
    let events = cut.record.events.iter();
    events.filter_map(move |event| match &event.kind {
        RecordEvent::BalancerReconfigured {
            id: told,
            how: Join::Reload,
            ..
        } if told == id => Some(event.at),
        _ => None,
    })
}

fn phase_breakpoints(cut: &RunWindow) -> Vec<f64> {
    let phases = &cut.record.phases;
    let Some(start) = phases.ramp.or(phases.steady) else {
        return Vec::new();
    };
    let plan = &cut.record.manifest.plan;
    let idle = plan.commands.is_empty() && plan.publish.is_empty() && plan.telemetry.is_empty();
    let steady = phases.steady.filter(|&steady| !idle && steady > start);
    let between = steady.map(|steady| steady + BEFORE_TRAFFIC_S);
    // The last line belongs to the run, so its end does too.
    let end = phases.drain.unwrap_or(phases.end + 1.0);
    [Some(start), between, Some(end)]
        .into_iter()
        .flatten()
        .collect()
}

fn point_groups(sockets: &[Sample], cost: &[Sample], breaks: &[f64]) -> Vec<Vec<FitPoint>> {
    breaks
        .windows(2)
        .map(|ends| growing_points(sockets, cost, ends[0], ends[1]))
        .collect()
}

fn growing_points(sockets: &[Sample], cost: &[Sample], from: f64, to: f64) -> Vec<FitPoint> {
    let mut most = 0.0_f64;
    let mut points = Vec::new();
    for sample in cost.iter().filter(|s| s.at_s >= from && s.at_s < to) {
        let Some(live) = interpolated(sockets, sample.at_s) else {
            continue;
        };
        most = most.max(live);
        if live >= most * MIN_SHARE_OF_PEAK {
            points.push((live, sample.value));
        }
    }
    points
}

/// The gauge at `at_s`, on the line between its neighbours.
fn interpolated(samples: &[Sample], at_s: f64) -> Option<f64> {
    let next = samples.partition_point(|sample| sample.at_s < at_s);
    let after = samples.get(next).filter(|s| s.at_s - at_s <= SAME_MOMENT_S);
    if let Some(after) = after.filter(|after| after.at_s == at_s) {
        return Some(after.value);
    }
    let before = next.checked_sub(1).and_then(|index| samples.get(index));
    let before = before.filter(|s| at_s - s.at_s <= SAME_MOMENT_S);
    match (before, after) {
        (Some(before), Some(after)) => {
            let part = (at_s - before.at_s) / (after.at_s - before.at_s);
            Some(before.value + part * (after.value - before.value))
        }
        _ => None,
    }
}

fn flatten_groups(processes: Vec<(String, Vec<Vec<FitPoint>>)>) -> Vec<Vec<FitPoint>> {
    processes
        .into_iter()
        .flat_map(|(_, groups)| groups)
        .collect()
}
