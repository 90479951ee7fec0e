//! Figures by cell, each beside the first cell's.

use std::collections::HashSet;

use highwater_scenarios::figures::{Unit, all};
use serde::Serialize;

use super::{
    cell::{Cell, Repeated},
    change::{Change, Direction, change},
    estimate::Estimate,
    lines::{Line, lines},
    run::Run,
};
use crate::figure::display;

/// Rows of figures, a column for each cell.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Grid {
    /// Names of the columns, without the first.
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<GridRow>,
}

/// A figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct GridRow {
    pub(crate) name: String,
    pub(crate) cells: Vec<GridCell>,
}

/// Its value in one cell.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct GridCell {
    pub(crate) text: String,
    /// From the first cell's, beyond the noise of both.
    pub(crate) change: Option<Change>,
}

/// What balancing is about, where any cell has something of it.
pub(super) fn balancing(cells: &[Cell]) -> Grid {
    let of_runs: Vec<Vec<Vec<Line>>> = cells
        .iter()
        .map(|cell| cell.runs.iter().map(|run| lines(&run.summary)).collect())
        .collect();
    let mut seen = HashSet::new();
    let every = of_runs.iter().flatten().flatten();
    let named: Vec<&Line> = every.filter(|line| seen.insert(&line.name)).collect();
    let rows = named.into_iter().filter_map(|line| {
        let values = of_runs.iter().map(|runs| {
            let values: Vec<Option<Estimate>> = runs.iter().map(|run| found(run, line)).collect();
            Repeated::of(&values)
        });
        row(
            &line.name,
            line.unit,
            line.better,
            &values.collect::<Vec<_>>(),
        )
    });
    Grid {
        head: head(cells),
        rows: rows.collect(),
    }
}

/// Every figure of the catalogue that any cell measured.
pub(super) fn figures(cells: &[Cell]) -> Grid {
    let rows = all().filter_map(|figure| {
        let values = cells.iter().map(|cell| {
            let of_run = |run: &&Run| run.estimates.get(&figure.path).copied();
            let values: Vec<Option<Estimate>> = cell.runs.iter().map(of_run).collect();
            Repeated::of(&values)
        });
        let values: Vec<Option<Repeated>> = values.collect();
        row(&figure.path, figure.unit, Direction::of(&figure), &values)
    });
    Grid {
        head: head(cells),
        rows: rows.collect(),
    }
}

fn head(cells: &[Cell]) -> Vec<String> {
    cells.iter().map(|cell| cell.label.clone()).collect()
}

/// The same figure of another run, whose scatter one run does not show.
fn found(run: &[Line], wanted: &Line) -> Option<Estimate> {
    let line = run.iter().find(|line| line.name == wanted.name)?;
    Some(Estimate {
        value: line.value?,
        margin: None,
    })
}

/// `None` when no cell measured it.
fn row(name: &str, unit: Unit, better: Direction, values: &[Option<Repeated>]) -> Option<GridRow> {
    values.iter().flatten().next()?;
    let first = values.first().copied().flatten();
    let cells = values.iter().enumerate().map(|(index, value)| GridCell {
        text: value.map_or_else(|| "not measured".to_owned(), |value| shown(unit, value)),
        change: first
            .zip(*value)
            .filter(|_| index > 0)
            .and_then(|(first, value)| change(first.estimate, value.estimate, better)),
    });
    Some(GridRow {
        name: name.to_owned(),
        cells: cells.collect(),
    })
}

/// `105 %`, `105 % ±2 %` over several runs, `105 % (2 of 3)` where some did not
/// measure it.
fn shown(unit: Unit, value: Repeated) -> String {
    let mean = display(unit, value.estimate.value);
    match (value.runs, value.estimate.margin) {
        (1, _) => mean,
        (runs, _) if value.measured < runs => format!("{mean} ({} of {runs})", value.measured),
        (_, Some(margin)) => format!("{mean} ±{}", display(unit, margin)),
        (_, None) => mean,
    }
}
