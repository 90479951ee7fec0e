//! What one more socket costs a process.
//!
//! Samples are taken from the ramp and the steady phase while sockets grow or
//! stay: memory is not given back at once, so falling counts say nothing about
//! cost. A restarted process has an intercept of its own, and so has a balancer after
//! each reload; so has each phase when commands, messages or readings, which cost
//! memory as well, begin with the steady one.

use highwater_scenarios::plan::Join;

use super::{
    fit::{Point, slope},
    processes::sockets_of,
    run_window::Cut,
    source_series::{Sample, Track},
};
use crate::{
    record::{Occurrence, Role, names::gauge},
    summary::{CostPerSocket, Fit},
};

/// Sockets below this part of the most so far count as falling.
const FALLING: f64 = 0.98;
/// The sample taken as the steady phase begins still shows sockets alone.
const BEFORE_TRAFFIC_S: f64 = 0.1;
/// Two measurements further apart are not of the same moment.
const SAME_MOMENT_S: f64 = 3.0;

/// The summary's `cost_per_socket`.
pub(crate) fn cost_per_socket(cut: &Cut) -> CostPerSocket {
    let fit = |role, name| told_from_zero(slope(&flat(points(cut, role, name))));
    CostPerSocket {
        node_rss: fit(Role::Node, gauge::RSS),
        node_heap: fit(Role::Node, gauge::HEAP),
        node_open_files: fit(Role::Node, gauge::OPEN_FILES),
        worker_rss: fit(Role::Worker, gauge::RSS),
        gateway_rss: fit(Role::Balancer, gauge::RSS),
        gateway_open_files: fit(Role::Balancer, gauge::OPEN_FILES),
        kernel: told_from_zero(kernel(cut)),
    }
}

/// A slope that its own interval does not tell from nothing was not measured.
fn told_from_zero(fit: Option<Fit>) -> Option<Fit> {
    fit.filter(|fit| fit.low > 0.0)
}

/// The samples that a fit uses: for each process of a role its groups, each
/// with an intercept of its own.
pub(crate) fn points(cut: &Cut, role: Role, name: &str) -> Vec<(String, Vec<Vec<Point>>)> {
    let processes = cut.tracks.of(role);
    processes
        .map(|(id, track)| {
            let sockets: Vec<Sample> = track.gauge(sockets_of(role)).collect();
            let cost: Vec<Sample> = track.gauge(name).collect();
            (
                id.to_owned(),
                groups(&sockets, &cost, &breaks(cut, id, track)),
            )
        })
        .collect()
}

/// Kernel memory over sockets of both ends on this machine: the workers', the
/// nodes' where a node is seen from here, and both ends of those that a balancer
/// forwards; `None` when one forwards and does not say how many.
fn kernel(cut: &Cut) -> Option<Fit> {
    let (_, host) = cut.tracks.of(Role::Host).next()?;
    let memory: Vec<Sample> = host
        .lines()
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
    let clients = cut.tracks.total(Role::Worker, gauge::SOCKETS_OPEN);
    let servers = cut.tracks.total(Role::Node, gauge::SOCKETS_OPEN);
    let forwarded = cut.tracks.total(Role::Balancer, sockets_of(Role::Balancer));
    if forwarded.is_empty() && cut.tracks.of(Role::Balancer).next().is_some() {
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
    slope(&groups(&ends, &memory, &phase_breaks(cut)))
}

/// Instants at which a process's intercept changes, the first and the last of
/// them bounding what is used at all.
fn breaks(cut: &Cut, id: &str, track: &Track) -> Vec<f64> {
    let mut breaks = phase_breaks(cut);
    breaks.extend(track.restarts().unwrap_or_default());
    breaks.extend(reloads(cut, id));
    breaks.sort_by(f64::total_cmp);
    if let (Some(first), Some(last)) = (phase_breaks(cut).first(), phase_breaks(cut).last()) {
        breaks.retain(|at| (first..=last).contains(&at));
    }
    breaks
}

/// A balancer that is reloaded has another process from then on, beside the old one.
fn reloads(cut: &Cut, id: &str) -> impl Iterator<Item = f64> {
    let events = cut.record.events.iter();
    events.filter_map(move |event| match &event.what {
        Occurrence::BalancerTold {
            id: told,
            how: Join::Reload,
            ..
        } if told == id => Some(event.at),
        _ => None,
    })
}

fn phase_breaks(cut: &Cut) -> Vec<f64> {
    let phases = &cut.record.phases;
    let Some(start) = phases.ramp.or(phases.steady) else {
        return Vec::new();
    };
    let plan = &cut.record.manifest.plan;
    let idle = plan.commands.is_empty() && plan.publish.is_empty() && plan.readings.is_empty();
    let steady = phases.steady.filter(|&steady| !idle && steady > start);
    let between = steady.map(|steady| steady + BEFORE_TRAFFIC_S);
    // The last line belongs to the run, so its end does too.
    let end = phases.drain.unwrap_or(phases.end + 1.0);
    [Some(start), between, Some(end)]
        .into_iter()
        .flatten()
        .collect()
}

fn groups(sockets: &[Sample], cost: &[Sample], breaks: &[f64]) -> Vec<Vec<Point>> {
    breaks
        .windows(2)
        .map(|ends| growing(sockets, cost, ends[0], ends[1]))
        .collect()
}

fn growing(sockets: &[Sample], cost: &[Sample], from: f64, to: f64) -> Vec<Point> {
    let mut most = 0.0_f64;
    let mut points = Vec::new();
    for sample in cost.iter().filter(|s| s.at_s >= from && s.at_s < to) {
        let Some(live) = interpolated(sockets, sample.at_s) else {
            continue;
        };
        most = most.max(live);
        if live >= most * FALLING {
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

fn flat(processes: Vec<(String, Vec<Vec<Point>>)>) -> Vec<Vec<Point>> {
    processes
        .into_iter()
        .flat_map(|(_, groups)| groups)
        .collect()
}
