//! The page of a comparison, from its template: one file without external resources.

use std::path::Path;

use minijinja::{context, value::Serde};
use serde::Serialize;

use super::{compare::RunComparison, error::CompareError, failures::FailureGrid, grid::Grid};
use crate::{
    charts::{Drawing, VARIABLES},
    page::environment,
    record::write_atomic,
};

/// Name of the template. Its ending makes the template engine escape every value.
const TEMPLATE: &str = "comparison.html";

/// The content of the page, for the template.
#[derive(Debug, Serialize)]
struct ComparisonPage<'a> {
    title: &'a str,
    differences_text: &'a str,
    summary_text: &'a str,
    cautions: &'a [String],
    cells: Vec<CellDetails<'a>>,
    /// Whether the names of the runs differ from those of the cells.
    has_names: bool,
    /// Whether the section of the runs has any content.
    has_runs: bool,
    failures: &'a FailureGrid,
    charts: &'a [Drawing],
    grids: [CaptionedGrid<'a>; 2],
    chart_colours: &'static str,
    style: &'static str,
}

/// A cell with its runs and the configuration of its balancers.
#[derive(Debug, Serialize)]
struct CellDetails<'a> {
    label: &'a str,
    runs: String,
    configuration: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct CaptionedGrid<'a> {
    id: &'static str,
    title: &'static str,
    grid: &'a Grid,
}

impl RunComparison {
    /// Writes the page, one file that opens offline, in full or not at all.
    ///
    /// # Errors
    /// When it cannot be rendered, or the file not be written.
    pub fn write_page(&self, path: &Path) -> Result<(), CompareError> {
        let environment = environment(TEMPLATE, include_str!("../../templates/comparison.html"))?;
        let template = environment.get_template(TEMPLATE)?;
        let html = template.render(context! { page => Serde(&content(self)) })?;
        Ok(write_atomic(path, html.as_bytes())?)
    }
}

fn content(comparison: &RunComparison) -> ComparisonPage<'_> {
    let cells = comparison.cells.iter().map(|cell| CellDetails {
        label: &cell.label,
        runs: cell.runs.join(", "),
        configuration: cell.configuration.as_deref(),
    });
    let cells: Vec<CellDetails> = cells.collect();
    // With one run per cell, the names often repeat the labels.
    let has_names = cells.iter().any(|cell| cell.runs != cell.label);
    ComparisonPage {
        title: &comparison.title,
        differences_text: &comparison.differences_text,
        summary_text: &comparison.summary_text,
        cautions: &comparison.cautions,
        has_names,
        has_runs: has_names || cells.iter().any(|cell| cell.configuration.is_some()),
        cells,
        failures: &comparison.failures,
        charts: &comparison.drawings,
        grids: [
            CaptionedGrid {
                id: "balancing",
                title: "Balancing",
                grid: &comparison.balancing,
            },
            CaptionedGrid {
                id: "metrics",
                title: "All metrics",
                grid: &comparison.metrics,
            },
        ],
        chart_colours: VARIABLES,
        style: include_str!("../../templates/report.css"),
    }
}
