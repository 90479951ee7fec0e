//! The cells of a matrix, in words.

use std::time::Duration;

use highwater_types::format;

use crate::{Matrix, MatrixCell, estimate::usable_files, text_layout::TextLayout};

pub(super) fn describe(matrix: &Matrix, files_per_process: u64, page: &mut TextLayout) {
    page.heading("Matrix");
    let repeats = match matrix.repeat() {
        1 => "each once".to_owned(),
        times => format!("each {} times", format::count(times.into())),
    };
    let cells = format::plural(matrix.cells().count() as u64, "cell");
    page.paragraph(&format!(
        "{cells}, {repeats}, in turn; about {} in all. The first is described above.",
        format::duration(shortest_duration(matrix))
    ));
    // A scenario without axes has one cell, which is described above.
    for cell in matrix.cells().filter(|cell| !cell.settings.is_empty()) {
        let files = excess_files(cell, files_per_process);
        page.paragraph(&format!(
            "{}: {}{files}",
            cell.name,
            settings_in_words(cell)
        ));
    }
}

/// Returns a warning where a cell's balancers need more open files than they may have.
fn excess_files(cell: &MatrixCell, files_per_process: u64) -> String {
    match cell.plan.balancer_share() {
        Some(share) if share.open_files() > usable_files(files_per_process) => format!(
            "; {} open files in a balancer, more than a process may open",
            format::count(share.open_files())
        ),
        _ => String::new(),
    }
}

/// Returns the time of all runs when no ramp falls behind.
fn shortest_duration(matrix: &Matrix) -> Duration {
    let cells = matrix.cells().map(|cell| &cell.plan);
    let once: Duration = cells.map(|plan| plan.planned_ramp() + plan.duration).sum();
    // Whole seconds, because starting and draining take more than the rest.
    Duration::from_secs((once * matrix.repeat()).as_secs())
}

fn settings_in_words(cell: &MatrixCell) -> String {
    let settings = cell.settings.iter();
    let settings: Vec<String> = settings
        .map(|setting| format!("{} {}", setting.key, setting.value))
        .collect();
    settings.join(", ")
}
