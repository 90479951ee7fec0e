//! A comparison for programs.

use std::path::Path;

use serde::Serialize;

use super::{
    change::MetricChange,
    compare::{CellSummary, RunComparison},
    error::CompareError,
    grid::{Grid, GridCell},
};
use crate::record::write_atomic;

/// Version of the form.
const SCHEMA: u32 = 2;

#[derive(Debug, Serialize)]
struct ComparisonJson<'a> {
    schema: u32,
    scenario: &'a str,
    differing: Vec<SettingJson<'a>>,
    outcome: &'a str,
    cautions: &'a [String],
    cells: Vec<CellJson<'a>>,
    balancing: Vec<MetricJson<'a>>,
    metrics: Vec<MetricJson<'a>>,
}

/// In which runs differ, with each value once.
#[derive(Debug, Serialize)]
struct SettingJson<'a> {
    path: &'a str,
    values: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct CellJson<'a> {
    label: &'a str,
    runs: &'a [String],
}

#[derive(Debug, Serialize)]
struct MetricJson<'a> {
    name: &'a str,
    unit: &'static str,
    /// In the order of the cells; null where none of its runs measured it.
    cells: Vec<Option<CellValueJson>>,
}

#[derive(Debug, Serialize)]
struct CellValueJson {
    mean: f64,
    /// Half of its 95 % interval; null where its noise is not known.
    margin: Option<f64>,
    /// Runs that measured it.
    measured: usize,
    /// From the first cell's, beyond the noise of both.
    change: Option<MetricChange>,
}

impl RunComparison {
    /// Writes the differing settings and the metrics as JSON, in full or not at all.
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
            cells: self.cells.iter().map(CellJson::of).collect(),
            balancing: metric_rows(&self.balancing),
            metrics: metric_rows(&self.metrics),
        };
        let mut json = serde_json::to_vec_pretty(&content).map_err(CompareError::Json)?;
        json.push(b'\n');
        Ok(write_atomic(path, &json)?)
    }
}

impl<'a> CellJson<'a> {
    fn of(cell: &'a CellSummary) -> Self {
        Self {
            label: &cell.label,
            runs: &cell.runs,
        }
    }
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
    let repeated = cell.value?;
    Some(CellValueJson {
        mean: repeated.estimate.value,
        margin: repeated.estimate.margin,
        measured: repeated.measured,
        change: cell.change,
    })
}
