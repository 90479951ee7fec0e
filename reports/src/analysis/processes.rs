//! Processes of the system: nodes, consumers; and the part that brokers and
//! balancers have in common with them.

use highwater_scenarios::plan::SystemSpec;

use super::{run_window::RunWindow, source_series::SourceSeries};
use crate::{
    record::{RecordEvent, SourceRole, names::gauge},
    summary::{Exits, ProcessSummary},
};

/// The processes of a role, by id: `n2` before `n10`.
pub(crate) fn process_summaries(cut: &RunWindow, role: SourceRole) -> Vec<ProcessSummary> {
    let mut processes: Vec<ProcessSummary> = cut
        .series
        .with_role(role)
        .map(|(id, track)| process_summary(cut, role, id, track))
        .collect();
    processes.sort_by_cached_key(|process| natural_sort_key(&process.id));
    processes
}

/// The name of the gauge of a process's sockets.
pub(crate) fn sockets_gauge(role: SourceRole) -> &'static str {
    match role {
        SourceRole::Balancer => gauge::BALANCER_SOCKETS,
        _ => gauge::SOCKETS_OPEN,
    }
}

pub(crate) fn process_summary(
    cut: &RunWindow,
    role: SourceRole,
    id: &str,
    track: &SourceSeries,
) -> ProcessSummary {
    let sockets = sockets_gauge(role);
    let peak = |name| track.peak(name, cut.range()).map(|value| value as u64);
    ProcessSummary {
        id: id.to_owned(),
        sockets_peak: peak(sockets),
        sockets_at_end: track.value_at(sockets, cut.end()).map(|value| value as u64),
        rss_peak: peak(gauge::RSS),
        heap_peak: peak(gauge::HEAP),
        open_files_peak: peak(gauge::OPEN_FILES),
        cpu_s: track.growth(gauge::CPU, cut.range()),
        exit_code: exit_codes(cut)
            .filter(|(left, _)| *left == id)
            .last()
            .and_then(|(_, code)| code),
        restarts: track.restarts().map(|restarts| {
            let range = cut.range();
            restarts.iter().filter(|at| range.contains(at)).count() as u32
        }),
    }
}

/// The summary's `exits`; `None` for a system that nothing is done to.
pub(crate) fn exits(cut: &RunWindow) -> Option<Exits> {
    let SystemSpec::Cluster(_) = &cut.record.manifest.plan.system else {
        return None;
    };
    let (clean, unclean): (Vec<_>, Vec<_>) =
        exit_codes(cut).partition(|(_, code)| *code == Some(0));
    Some(Exits {
        clean: clean.len() as u64,
        unclean: unclean.len() as u64,
    })
}

/// Who ended because it was asked to, and its exit code.
fn exit_codes<'a>(cut: &'a RunWindow) -> impl Iterator<Item = (&'a str, Option<i32>)> {
    let range = cut.range();
    let events = cut.record.events.iter();
    events.filter_map(move |event| match &event.kind {
        RecordEvent::ProcessStopped { id, code, .. } if range.contains(&event.at) => {
            Some((id.as_str(), *code))
        }
        _ => None,
    })
}

/// A key that sorts numbers at the end of names by size.
pub(crate) fn natural_sort_key(id: &str) -> (String, u64) {
    let name = id.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = id[name.len()..].parse().unwrap_or(0);
    (name.to_owned(), number)
}
