//! Processes of the system: nodes, broker, balancer.

use super::{cut::Cut, tracks::Track};
use crate::{
    record::{Role, names::gauge},
    summary::Process,
};

/// The processes of a role, by id: `n2` before `n10`.
pub(crate) fn processes(cut: &Cut, role: Role) -> Vec<Process> {
    let mut processes: Vec<Process> = cut
        .tracks
        .of(role)
        .map(|(id, track)| process(cut, id, track))
        .collect();
    processes.sort_by_cached_key(|process| natural(&process.id));
    processes
}

fn process(cut: &Cut, id: &str, track: &Track) -> Process {
    let peak = |name| track.peak(name, cut.range()).map(|value| value as u64);
    Process {
        id: id.to_owned(),
        sockets_peak: peak(gauge::SOCKETS_OPEN),
        sockets_at_end: track
            .at(gauge::SOCKETS_OPEN, cut.end())
            .map(|value| value as u64),
        rss_peak: peak(gauge::RSS),
        heap_peak: peak(gauge::HEAP),
        open_files_peak: peak(gauge::OPEN_FILES),
        cpu_s: track.growth(gauge::CPU, cut.range()),
        restarts: track.restarts().map(|restarts| {
            let range = cut.range();
            restarts.iter().filter(|at| range.contains(at)).count() as u32
        }),
    }
}

/// A key that sorts numbers at the end of names by size.
pub(crate) fn natural(id: &str) -> (String, u64) {
    let name = id.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = id[name.len()..].parse().unwrap_or(0);
    (name.to_owned(), number)
}
