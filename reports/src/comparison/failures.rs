//! The failures of each kind by cell, each count compared with the first cell's.

use std::{cmp::Reverse, collections::BTreeMap};

use highwater_scenarios::metrics::{Direction, Unit};
use serde::Serialize;

use super::{
    cell::{CellEstimate, ComparisonCell},
    change::{MetricChange, change},
    estimate::{Estimate, count_margin},
    grid::value_text,
    run::ComparedRun,
};
use crate::{
    analysis::failure_words::failure_sentence,
    summary::{FailureOrigin, FailureSummary},
    text::{aligned, wrapped},
};

/// Most new kinds with sentences in a terminal; the page has all.
const MOST_NEW: usize = 3;
/// Most lines of such a sentence.
const MOST_LINES: usize = 2;

/// Kinds of failures with a column for each cell.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FailureGrid {
    /// Heads of the columns with counts.
    pub(super) head: Vec<String>,
    /// New kinds first, then those that grew most.
    pub(super) rows: Vec<FailureRow>,
}

/// The row of a kind.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FailureRow {
    /// Name of the counter.
    pub(super) kind: String,
    pub(super) origin: FailureOrigin,
    pub(super) cells: Vec<FailureCell>,
    /// Sentence of the run that has most of them, with its example.
    pub(super) sentence: String,
    /// Label of that run's cell.
    #[serde(skip)]
    pub(super) sentence_of: String,
}

/// The count of a kind in one cell.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FailureCell {
    #[serde(skip)]
    pub(super) value: CellEstimate,
    pub(super) text: String,
    /// Change from the first cell.
    pub(super) change: Option<FailureChange>,
}

/// The change of a count of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FailureChange {
    /// A kind of which the first cell has no failure.
    New,
    /// A higher count, beyond the noise of both cells.
    Worse,
    /// A lower count, beyond the noise of both cells.
    Better,
}

/// Returns the grid of every kind that failed in a run.
pub(super) fn failure_grid(cells: &[ComparisonCell]) -> FailureGrid {
    let kinds = largest_by_kind(cells);
    let mut rows: Vec<FailureRow> = kinds
        .into_values()
        .filter_map(|largest| row(cells, &largest))
        .collect();
    // Stable: kinds that changed alike stay in the order of their names.
    rows.sort_by(|a, b| {
        let order = |row: &FailureRow| Reverse(row.is_new());
        let growth = b.growth().total_cmp(&a.growth());
        order(a).cmp(&order(b)).then(growth)
    });
    FailureGrid {
        head: cells.iter().map(|cell| cell.label.clone()).collect(),
        rows,
    }
}

impl FailureRow {
    /// Whether a cell has the kind and the first one does not.
    fn is_new(&self) -> bool {
        let mut cells = self.cells.iter();
        cells.any(|cell| cell.change == Some(FailureChange::New))
    }

    /// Returns the largest growth from the first cell; negative where all have fewer.
    fn growth(&self) -> f64 {
        let mut counts = self.cells.iter().map(|cell| cell.value.estimate.value);
        let first = counts.next().unwrap_or(0.0);
        counts.fold(f64::NEG_INFINITY, f64::max) - first
    }
}

impl FailureGrid {
    /// Returns the section for a terminal; empty without failures.
    pub(super) fn text(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut table = vec![[vec!["failures".to_owned()], self.head.clone()].concat()];
        table.extend(self.rows.iter().map(|row| {
            let kind = std::iter::once(row.kind.clone());
            kind.chain(row.cells.iter().map(marked)).collect()
        }));
        let mut lines = aligned(&table, |column| column == 0);
        lines.extend(self.new_lines());
        lines.join("\n") + "\n"
    }

    /// Describes the new kinds.
    fn new_lines(&self) -> Vec<String> {
        let new: Vec<&FailureRow> = self.rows.iter().filter(|row| row.is_new()).collect();
        let mut lines = Vec::new();
        for row in new.iter().take(MOST_NEW) {
            let sentence = format!("new with {}: {}", row.sentence_of, row.sentence);
            lines.extend(wrapped(&sentence, 2, MOST_LINES));
        }
        if let Some(more @ 1..) = new.len().checked_sub(MOST_NEW) {
            lines.push(format!(
                "and {more} more new kinds, all of them on the page"
            ));
        }
        lines
    }
}

/// The failures of a kind in the run that has most of them.
struct Largest<'r> {
    failure: &'r FailureSummary,
    run: &'r ComparedRun,
    label: &'r str,
}

/// Finds the run with most failures, for each kind of any run.
fn largest_by_kind<'r>(cells: &'r [ComparisonCell]) -> BTreeMap<&'r str, Largest<'r>> {
    let mut kinds: BTreeMap<&str, Largest> = BTreeMap::new();
    for cell in cells {
        for run in &cell.runs {
            for failure in &run.summary.failures {
                let largest = Largest {
                    failure,
                    run,
                    label: &cell.label,
                };
                match kinds.get(failure.kind.as_str()) {
                    Some(known) if known.failure.count >= failure.count => {}
                    _ => drop(kinds.insert(&failure.kind, largest)),
                }
            }
        }
    }
    kinds
}

/// Returns the row of a kind; `None` without cells.
fn row(cells: &[ComparisonCell], largest: &Largest) -> Option<FailureRow> {
    let kind = &largest.failure.kind;
    let counts = cells.iter().map(|cell| count(cell, kind));
    let counts: Vec<CellEstimate> = counts.collect::<Option<_>>()?;
    let first = counts.first()?.estimate;
    let cells = counts.iter().enumerate().map(|(index, value)| FailureCell {
        value: *value,
        text: value_text(Unit::Count, *value),
        // The first cell is the reference of all others.
        change: (index > 0)
            .then(|| changed(first, value.estimate))
            .flatten(),
    });
    Some(FailureRow {
        kind: kind.clone(),
        origin: largest.failure.origin,
        cells: cells.collect(),
        sentence: failure_sentence(largest.failure, largest.run.summary.workers.len()),
        sentence_of: largest.label.to_owned(),
    })
}

/// Returns the failures of a kind over the runs of a cell. A run without them has 0.
fn count(cell: &ComparisonCell, kind: &str) -> Option<CellEstimate> {
    let counts: Vec<Option<Estimate>> = cell
        .runs
        .iter()
        .map(|run| {
            let mut failures = run.summary.failures.iter();
            let failure = failures.find(|failure| failure.kind == kind);
            let value = failure.map_or(0.0, |failure| failure.count as f64);
            let margin = Some(count_margin(value));
            Some(Estimate { value, margin })
        })
        .collect();
    CellEstimate::of(&counts)
}

fn changed(first: Estimate, other: Estimate) -> Option<FailureChange> {
    // A single failure of a new kind says something that its count does not.
    if first.value == 0.0 && other.value > 0.0 {
        return Some(FailureChange::New);
    }
    match change(first, other, Direction::Lower)? {
        MetricChange::Worse => Some(FailureChange::Worse),
        MetricChange::Better => Some(FailureChange::Better),
        MetricChange::Other => None,
    }
}

fn marked(cell: &FailureCell) -> String {
    // All marks have the same width, so that the counts stay below each other.
    let mark = match cell.change {
        Some(FailureChange::New) => " new",
        Some(FailureChange::Worse) => " -  ",
        Some(FailureChange::Better) => " +  ",
        None => "    ",
    };
    format!("{}{mark}", cell.text)
}
