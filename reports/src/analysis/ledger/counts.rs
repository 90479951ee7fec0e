//! Counts summed over the processes of a role, and whether they are complete.

use crate::{
    analysis::{run_window::RunWindow, source_series::SourceSeries},
    record::{RecordEvent, SourceRole, names::gauge},
};

/// Seconds that the sampler needs for all processes. An event in that time may be in the
/// count of one end only.
const SAMPLED_WITHIN_S: f64 = 2.0;

/// Returns why the counts of the workers or the nodes are incomplete.
pub(super) fn incomplete_reason(window: &RunWindow) -> Option<String> {
    let mut events = window.record.events.iter();
    let lost_worker = events.find_map(|event| match &event.kind {
        RecordEvent::WorkerLost { id, .. } => {
            Some(format!("the last counts of {id} are not known"))
        }
        _ => None,
    });
    // A lost worker comes first, because it explains more pairs than a node.
    lost_worker.or_else(|| incomplete_reason_of(window, SourceRole::Node))
}

/// Returns why the counts of a role's processes are incomplete.
pub(super) fn incomplete_reason_of(window: &RunWindow, role: SourceRole) -> Option<String> {
    let workers = window.sources.with_role(SourceRole::Worker);
    let ends = workers.filter_map(|(_, series)| Some(series.rows().last()?.end()));
    let worked_until = ends.fold(0.0, f64::max);
    processes_once_up(window, role).find_map(|(id, series)| {
        let restarted = series.restarts().is_some_and(|at| !at.is_empty());
        // A count taken a second before the workers' last row may miss their last actions.
        let sampled_at_end = series.rows().last().is_some_and(|last| {
            last.gauge(gauge::UP) == Some(1.0) && last.end() >= worked_until - 1.0
        });
        (restarted || !sampled_at_end)
            .then(|| format!("the counts of {id} before it ended are not known"))
    })
}

/// Returns the processes of a role that were ever up.
pub(super) fn processes_once_up<'a>(
    window: &'a RunWindow<'a>,
    role: SourceRole,
) -> impl Iterator<Item = (&'a str, &'a SourceSeries<'a>)> {
    let processes = window.sources.with_role(role);
    processes.filter(|(_, series)| series.is_up_in(window.range()))
}

/// Sums a count over all processes of a role; `None` when one of them never reports it.
pub(super) fn role_total(window: &RunWindow, role: SourceRole, name: &str) -> Option<u64> {
    // A cluster starts with the run, so its counts start at 0. A target was there before.
    let started_with_run = window.record.manifest.plan.cluster().is_some();
    let counts = processes_once_up(window, role).map(|(_, series)| {
        let first = series.gauge(name).next()?.value;
        let before = if started_with_run { 0.0 } else { first };
        Some(series.last_value(name)? - before)
    });
    let counts: Vec<f64> = counts.collect::<Option<_>>()?;
    (!counts.is_empty()).then(|| counts.iter().sum::<f64>().max(0.0) as u64)
}

/// Returns how much a count grew just before each process was last sampled.
pub(super) fn recent_growth(window: &RunWindow, role: SourceRole, name: &str) -> u64 {
    let growth = |series: &SourceSeries| {
        let end = series.rows().last()?.end();
        // The range ends after the last sample, which it must contain.
        series.growth(name, end - SAMPLED_WITHIN_S..end + 1e-6)
    };
    let processes = window.sources.with_role(role);
    let growth = processes.filter_map(|(_, series)| growth(series));
    growth.sum::<f64>().ceil() as u64
}
