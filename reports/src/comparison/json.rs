//! A comparison for programs.

use highwater_scenarios::metrics::Unit;
use serde::Serialize;

use super::{
    change::Change,
    compare::{CellText, Comparison},
    grid::{Grid, GridCell},
};

/// Version of the form.
const SCHEMA: u32 = 1;

#[derive(Debug, Serialize)]
struct Content<'a> {
    schema: u32,
    scenario: &'a str,
    differing: Vec<Setting<'a>>,
    outcome: &'a str,
    cautions: &'a [String],
    cells: Vec<Cell<'a>>,
    balancing: Vec<Figure<'a>>,
    figures: Vec<Figure<'a>>,
}

/// In which runs differ, with each value once.
#[derive(Debug, Serialize)]
struct Setting<'a> {
    path: &'a str,
    values: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Cell<'a> {
    label: &'a str,
    runs: &'a [String],
}

#[derive(Debug, Serialize)]
struct Figure<'a> {
    name: &'a str,
    unit: &'static str,
    /// In the order of the cells; null where none of its runs measured it.
    cells: Vec<Option<Value>>,
}

#[derive(Debug, Serialize)]
struct Value {
    mean: f64,
    /// Half of its 95 % interval; null where its noise is not known.
    margin: Option<f64>,
    /// Runs that measured it.
    measured: usize,
    /// From the first cell's, beyond the noise of both.
    change: Option<Change>,
}

/// As it stands in the file.
pub(super) fn json(comparison: &Comparison) -> serde_json::Result<String> {
    let settings = comparison.settings.iter().map(|setting| Setting {
        path: &setting.path,
        values: setting.distinct(),
    });
    let content = Content {
        schema: SCHEMA,
        scenario: &comparison.title,
        differing: settings.collect(),
        outcome: &comparison.outcome,
        cautions: &comparison.cautions,
        cells: comparison.cells.iter().map(Cell::of).collect(),
        balancing: figures(&comparison.balancing),
        figures: figures(&comparison.figures),
    };
    Ok(serde_json::to_string_pretty(&content)? + "\n")
}

impl<'a> Cell<'a> {
    fn of(cell: &'a CellText) -> Self {
        Self {
            label: &cell.label,
            runs: &cell.runs,
        }
    }
}

fn figures(grid: &Grid) -> Vec<Figure<'_>> {
    let rows = grid.rows.iter().map(|row| Figure {
        name: &row.name,
        unit: named(row.unit),
        cells: row.cells.iter().map(value).collect(),
    });
    rows.collect()
}

fn value(cell: &GridCell) -> Option<Value> {
    let repeated = cell.value?;
    Some(Value {
        mean: repeated.estimate.value,
        margin: repeated.estimate.margin,
        measured: repeated.measured,
        change: cell.change,
    })
}

fn named(unit: Unit) -> &'static str {
    match unit {
        Unit::Millis => "ms",
        Unit::Bytes => "bytes",
        Unit::Seconds => "s",
        Unit::Count => "count",
        Unit::Ratio => "ratio",
        Unit::Share => "share",
        Unit::PerSecond => "per-s",
    }
}
