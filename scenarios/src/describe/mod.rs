//! A plan in words and numbers, for a person at a terminal.
//!
//! ```text
//! Plan, HostResources ─► chart ─► system ─► timeline ─► load ─► gates ─► text of 80 columns
//! ```
//!
//! - [`host`]: the machine that the run is for;
//! - [`chart`], with [`axis`] and [`axis_labels`]: the plan on one axis;
//! - [`system`]: the system that the load is put on;
//! - [`timeline`]: what happens when;
//! - [`load`]: the load at its peak, and the files and memory that it takes;
//! - [`gates`]: the conditions that the run must meet;
//! - [`matrix`]: the cells of a matrix.

mod axis;
mod axis_labels;
mod chart;
mod gates;
mod host;
mod load;
mod matrix;
mod system;
mod timeline;

pub use self::host::{HostResources, MemoryEstimate};

use crate::{Matrix, Plan, text_layout::TextLayout};

/// Describes a plan in at most 80 columns: a chart, the system, the timeline in words, the
/// load at its peak, what it takes of `host`, and the gates.
pub fn describe(plan: &Plan, host: &HostResources) -> String {
    let mut page = TextLayout::default();
    describe_plan(plan, host, &mut page);
    page.into_text()
}

/// Describes a scenario with its matrix: the cells, and the first of them in full.
pub fn describe_matrix(matrix: &Matrix, host: &HostResources) -> String {
    let mut page = TextLayout::default();
    describe_plan(&matrix.first().plan, host, &mut page);
    if !matrix.is_one_run() {
        matrix::describe(matrix, host.files_per_process, &mut page);
    }
    page.into_text()
}

fn describe_plan(plan: &Plan, host: &HostResources, page: &mut TextLayout) {
    let files_per_process = host.files_per_process;
    describe_title(plan, page);
    chart::draw(plan, page);
    system::describe(plan, page);
    timeline::describe(plan, page);
    load::peak(plan, page);
    load::workers(plan, files_per_process, page);
    load::nodes(plan, files_per_process, page);
    load::balancers(plan, files_per_process, page);
    if let Some(memory) = &host.memory {
        load::memory(memory, page);
    }
    gates::describe(plan, page);
}

fn describe_title(plan: &Plan, page: &mut TextLayout) {
    page.heading(&plan.name);
    if !plan.description.is_empty() {
        page.paragraph(&plan.description);
    }
    page.paragraph(&format!("Seed {}.", plan.seed));
}
