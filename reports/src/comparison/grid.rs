//! Figures by cell, each beside the first cell's.

use std::collections::HashSet;

use highwater_scenarios::metrics::{Unit, all};
use serde::Serialize;

use super::{
    cell::{CellEstimate, ComparisonCell},
    change::{MetricChange, change},
    estimate::Estimate,
    metrics::{BalancingMetric, NOT_MEASURED, balancing_metrics},
    run::ComparedRun,
};
use crate::unit_format::with_unit as display;

/// Where an event had no such effect at all.
const NO_SUCH_EFFECT: &str = "–";

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
    #[serde(skip)]
    pub(super) unit: Unit,
    pub(crate) cells: Vec<GridCell>,
}

/// Its value in one cell.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct GridCell {
    /// `None` where no run of it measured this.
    #[serde(skip)]
    pub(super) value: Option<CellEstimate>,
    pub(crate) text: String,
    /// From the first cell's, beyond the noise of both.
    pub(crate) change: Option<MetricChange>,
}

/// What balancing is about, where any cell has something of it.
pub(super) fn balancing_grid(cells: &[ComparisonCell]) -> Grid {
    let of_runs: Vec<Vec<Vec<BalancingMetric>>> = cells
        .iter()
        .map(|cell| {
            cell.runs
                .iter()
                .map(|run| balancing_metrics(&run.summary))
                .collect()
        })
        .collect();
    let mut seen = HashSet::new();
    let every = of_runs.iter().flatten().flatten();
    let named: Vec<&BalancingMetric> = every.filter(|line| seen.insert(&line.name)).collect();
    let rows = named.into_iter().filter_map(|line| {
        let values = of_runs.iter().map(|runs| {
            let values: Vec<Option<Estimate>> =
                runs.iter().map(|run| estimate_in(run, line)).collect();
            (CellEstimate::of(&values), absent_text(runs, line))
        });
        row(line, &values.collect::<Vec<_>>())
    });
    Grid {
        head: head(cells),
        rows: rows.collect(),
    }
}

/// Every figure of the catalogue that any cell measured.
pub(super) fn metric_grid(cells: &[ComparisonCell]) -> Grid {
    let rows = all().filter_map(|figure| {
        let values = cells.iter().map(|cell| {
            let of_run = |run: &&ComparedRun| run.estimates.get(&figure.path).copied();
            let values: Vec<Option<Estimate>> = cell.runs.iter().map(of_run).collect();
            (CellEstimate::of(&values), NOT_MEASURED)
        });
        row(&BalancingMetric::of(&figure), &values.collect::<Vec<_>>())
    });
    Grid {
        head: head(cells),
        rows: rows.collect(),
    }
}

fn head(cells: &[ComparisonCell]) -> Vec<String> {
    cells.iter().map(|cell| cell.label.clone()).collect()
}

/// The same figure of another run, whose scatter one run does not show.
fn estimate_in(run: &[BalancingMetric], wanted: &BalancingMetric) -> Option<Estimate> {
    let line = run.iter().find(|line| line.name == wanted.name)?;
    Some(Estimate {
        value: line.value?,
        margin: None,
    })
}

/// What is said of runs that have no value: in which nothing of the kind happened, or
/// what the line says.
fn absent_text(runs: &[Vec<BalancingMetric>], wanted: &BalancingMetric) -> &'static str {
    let mut lines = runs.iter().flatten();
    let line = lines.find(|line| line.name == wanted.name);
    line.map_or(NO_SUCH_EFFECT, |line| line.absent_text)
}

/// Of each cell its value, or what is said where it has none. `None` when no cell has
/// one.
fn row(line: &BalancingMetric, values: &[(Option<CellEstimate>, &str)]) -> Option<GridRow> {
    values.iter().find_map(|(value, _)| *value)?;
    let first = values.first().and_then(|(value, _)| *value);
    let cells = values.iter().enumerate();
    let cells = cells.map(|(index, (value, absent))| GridCell {
        value: *value,
        text: value.map_or_else(
            || (*absent).to_owned(),
            |value| value_text(line.unit, value),
        ),
        change: first
            .zip(*value)
            .filter(|_| index > 0)
            .and_then(|(first, value)| change(first.estimate, value.estimate, line.better)),
    });
    Some(GridRow {
        name: line.name.clone(),
        unit: line.unit,
        cells: cells.collect(),
    })
}

/// `105 %`, `105 % ±2 %` over several runs, `105 % (2 of 3)` where some did not
/// measure it.
fn value_text(unit: Unit, value: CellEstimate) -> String {
    let mean = display(unit, value.estimate.value);
    match (value.runs, value.estimate.margin) {
        (1, _) => mean,
        (runs, _) if value.measured < runs => format!("{mean} ({} of {runs})", value.measured),
        (_, Some(margin)) => format!("{mean} ±{}", display(unit, margin)),
        (_, None) => mean,
    }
}
