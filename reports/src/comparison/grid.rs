//! Metrics by cell, each compared with the first cell's.

use std::collections::HashSet;

use highwater_scenarios::metrics::{Unit, all};
use serde::Serialize;

use super::{
    balancing::{BalancingMetric, NOT_MEASURED, balancing_metrics},
    cell::{CellEstimate, ComparisonCell},
    change::{MetricChange, change},
    estimate::{Estimate, own_metrics_of},
    run::ComparedRun,
};
use crate::unit_format;

/// Text of a metric that does not apply to a cell, such as that of an event it did not have.
const NOT_APPLICABLE: &str = "–";

/// Rows of metrics with a column for each cell.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Grid {
    /// Heads of the columns, except the first one.
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<GridRow>,
}

/// The row of a metric.
#[derive(Debug, Clone, Serialize)]
pub(super) struct GridRow {
    pub(super) name: String,
    #[serde(skip)]
    pub(super) unit: Unit,
    pub(super) cells: Vec<GridCell>,
}

/// The value of a metric in one cell.
#[derive(Debug, Clone, Serialize)]
pub(super) struct GridCell {
    /// `None` where no run of the cell measured it.
    #[serde(skip)]
    pub(super) value: Option<CellEstimate>,
    pub(super) text: String,
    /// Change from the first cell, beyond the noise of both.
    pub(super) change: Option<MetricChange>,
}

/// Returns the grid of balancing metrics.
pub(super) fn balancing_grid(cells: &[ComparisonCell]) -> Grid {
    let by_cell: Vec<Vec<Vec<BalancingMetric>>> = cells
        .iter()
        .map(|cell| {
            let runs = cell.runs.iter();
            runs.map(|run| balancing_metrics(&run.summary)).collect()
        })
        .collect();
    // Runs may have different events, so the rows are the union over all of them.
    let mut seen = HashSet::new();
    let metrics = by_cell.iter().flatten().flatten();
    let metrics = metrics.filter(|metric| seen.insert(&metric.name));
    let rows = metrics.filter_map(|metric| {
        let values = by_cell.iter().map(|runs| {
            let values: Vec<Option<Estimate>> =
                runs.iter().map(|run| estimate_in(run, metric)).collect();
            (CellEstimate::of(&values), absent_text(runs, metric))
        });
        row(metric, &values.collect::<Vec<_>>())
    });
    Grid {
        rows: rows.collect(),
        head: head(cells),
    }
}

/// Returns the grid of every metric of the registry, and every own metric of the target, that a
/// cell measured.
pub(super) fn metric_grid(cells: &[ComparisonCell]) -> Grid {
    let runs = cells.iter().flat_map(|cell| &cell.runs);
    let own = runs.flat_map(|run| own_metrics_of(&run.summary));
    let mut seen = HashSet::new();
    let metrics = all().chain(own);
    // Each run has the same own metrics, as a rule.
    let metrics = metrics.filter(|metric| seen.insert(metric.path.clone()));
    let rows = metrics.filter_map(|metric| {
        let values = cells.iter().map(|cell| {
            let of_run = |run: &&ComparedRun| run.estimates.get(&metric.path).copied();
            let values: Vec<Option<Estimate>> = cell.runs.iter().map(of_run).collect();
            (CellEstimate::of(&values), NOT_MEASURED)
        });
        row(&BalancingMetric::of(&metric), &values.collect::<Vec<_>>())
    });
    Grid {
        rows: rows.collect(),
        head: head(cells),
    }
}

fn head(cells: &[ComparisonCell]) -> Vec<String> {
    cells.iter().map(|cell| cell.label.clone()).collect()
}

/// Returns the same metric of another run. Its noise is unknown within one run.
fn estimate_in(run: &[BalancingMetric], wanted: &BalancingMetric) -> Option<Estimate> {
    let metric = run.iter().find(|metric| metric.name == wanted.name)?;
    Some(Estimate {
        value: metric.value?,
        margin: None,
    })
}

/// Returns the text for a cell without a value.
fn absent_text(runs: &[Vec<BalancingMetric>], wanted: &BalancingMetric) -> &'static str {
    let mut metrics = runs.iter().flatten();
    let metric = metrics.find(|metric| metric.name == wanted.name);
    metric.map_or(NOT_APPLICABLE, |metric| metric.absent)
}

/// Returns the row of a metric; `None` when no cell has a value.
fn row(metric: &BalancingMetric, values: &[(Option<CellEstimate>, &str)]) -> Option<GridRow> {
    values.iter().find_map(|(value, _)| *value)?;
    let first = values.first().and_then(|(value, _)| *value);
    let cells = values.iter().enumerate().map(|(index, (value, absent))| {
        // The first cell is the reference of all others.
        let others = first.zip(*value).filter(|_| index > 0);
        let changed = others
            .and_then(|(first, value)| change(first.estimate, value.estimate, metric.direction));
        let text = value.map(|value| value_text(metric.unit, value));
        GridCell {
            value: *value,
            text: text.unwrap_or_else(|| (*absent).to_owned()),
            change: changed,
        }
    });
    Some(GridRow {
        name: metric.name.clone(),
        unit: metric.unit,
        cells: cells.collect(),
    })
}

/// Formats a value: `105 %`, `105 % ±2 %` over several runs, `105 % (2 of 3)` where some
/// runs did not measure it.
pub(super) fn value_text(unit: Unit, value: CellEstimate) -> String {
    let text = |value| unit_format::with_unit(unit, value);
    let mean = text(value.estimate.value);
    match (value.runs, value.estimate.margin) {
        (1, _) => mean,
        (runs, _) if value.measured < runs => format!("{mean} ({} of {runs})", value.measured),
        (_, Some(margin)) => format!("{mean} ±{}", text(margin)),
        (_, None) => mean,
    }
}
