//! A comparison for programs.

use std::path::Path;

use serde::Serialize;

use super::{
    change::MetricChange,
    compare::{CellSummary, RunComparison},
    error::CompareError,
    failures::{FailureChange, FailureGrid},
    grid::{Grid, GridCell},
};
use crate::{record::write_atomic, summary::FailureOrigin};

/// Version of the JSON format.
const SCHEMA: u32 = 2;

#[derive(Debug, Serialize)]
struct ComparisonJson<'a> {
    schema: u32,
    scenario: &'a str,
    differing: Vec<SettingJson<'a>>,
    outcome: &'a str,
    cautions: &'a [String],
    cells: &'a [CellSummary],
    failures: Vec<FailureJson<'a>>,
    balancing: Vec<MetricJson<'a>>,
    metrics: Vec<MetricJson<'a>>,
}

/// A setting in which runs differ, with each value once.
#[derive(Debug, Serialize)]
struct SettingJson<'a> {
    path: &'a str,
    values: Vec<&'a str>,
}

/// A kind of failures.
#[derive(Debug, Serialize)]
struct FailureJson<'a> {
    kind: &'a str,
    origin: FailureOrigin,
    /// Sentence with an example.
    example: &'a str,
    /// Counts in the order of the cells.
    cells: Vec<FailureCountJson>,
}

#[derive(Debug, Serialize)]
struct FailureCountJson {
    mean: f64,
    /// Half of the 95 % interval.
    margin: Option<f64>,
    /// Change from the first cell.
    change: Option<FailureChange>,
}

#[derive(Debug, Serialize)]
struct MetricJson<'a> {
    name: &'a str,
    unit: &'static str,
    /// Values in the order of the cells; null where no run of the cell measured it.
    cells: Vec<Option<CellValueJson>>,
}

#[derive(Debug, Serialize)]
struct CellValueJson {
    mean: f64,
    /// Half of the 95 % interval; null where the noise is unknown.
    margin: Option<f64>,
    /// Number of runs that measured it.
    measured: usize,
    /// Change from the first cell, beyond the noise of both.
    change: Option<MetricChange>,
}

impl RunComparison {
    /// Writes the differing settings, the failures and the metrics as JSON, in full or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_json(&self, path: &Path) -> Result<(), CompareError> {
        let settings = self.settings.iter().map(|setting| SettingJson {
            path: &setting.path,
            values: setting.distinct_values(),
        });
        let content = ComparisonJson {
            schema: SCHEMA,
            scenario: &self.title,
            differing: settings.collect(),
            outcome: &self.summary_text,
            cautions: &self.cautions,
            cells: &self.cells,
            failures: failure_rows(&self.failures),
            balancing: metric_rows(&self.balancing),
            metrics: metric_rows(&self.metrics),
        };
        let mut json = serde_json::to_vec_pretty(&content).map_err(CompareError::Json)?;
        // Tools that read lines expect one at the end of the file.
        json.push(b'\n');
        Ok(write_atomic(path, &json)?)
    }
}

fn failure_rows(grid: &FailureGrid) -> Vec<FailureJson<'_>> {
    let rows = grid.rows.iter().map(|row| FailureJson {
        kind: &row.kind,
        origin: row.origin,
        example: &row.sentence,
        cells: row
            .cells
            .iter()
            .map(|cell| FailureCountJson {
                mean: cell.value.estimate.value,
                margin: cell.value.estimate.margin,
                change: cell.change,
            })
            .collect(),
    });
    rows.collect()
}

fn metric_rows(grid: &Grid) -> Vec<MetricJson<'_>> {
    let rows = grid.rows.iter().map(|row| MetricJson {
        name: &row.name,
        unit: row.unit.label(),
        cells: row.cells.iter().map(value).collect(),
    });
    rows.collect()
}

fn value(cell: &GridCell) -> Option<CellValueJson> {
    let value = cell.value?;
    Some(CellValueJson {
        mean: value.estimate.value,
        margin: value.estimate.margin,
        measured: value.measured,
        change: cell.change,
    })
}
