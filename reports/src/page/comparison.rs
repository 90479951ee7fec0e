//! The page of a comparison, from its template: one file, nothing to load.

use minijinja::{context, value::Serde};
use serde::Serialize;

use super::{plot::Plot, render::environment};
use crate::{
    charts::VARIABLES,
    comparison::{Comparison, grid::Grid},
};

/// The name's ending makes the template engine escape everything.
const TEMPLATE: &str = "comparison.html";

/// What the page says, in the order in which it says it.
#[derive(Debug, Serialize)]
struct Content<'a> {
    title: &'a str,
    differing: &'a str,
    outcome: &'a str,
    cautions: &'a [String],
    cells: Vec<Cell<'a>>,
    /// Whether the runs' names say more than the cells' do.
    has_names: bool,
    /// Whether there is anything to be said of the runs.
    has_runs: bool,
    charts: Vec<Plot<'a>>,
    grids: [Captioned<'a>; 2],
    chart_colours: &'static str,
    style: &'static str,
}

/// A cell with its runs, and what stood in front of its nodes.
#[derive(Debug, Serialize)]
struct Cell<'a> {
    label: &'a str,
    runs: String,
    configuration: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Captioned<'a> {
    id: &'static str,
    title: &'static str,
    grid: &'a Grid,
}

/// The page as HTML.
pub(crate) fn comparison_page(comparison: &Comparison) -> Result<String, minijinja::Error> {
    let environment = environment(TEMPLATE, include_str!("../../templates/comparison.html"))?;
    let template = environment.get_template(TEMPLATE)?;
    template.render(context! { page => Serde(&content(comparison)) })
}

fn content(comparison: &Comparison) -> Content<'_> {
    let cells = comparison.cells.iter().map(|cell| Cell {
        label: &cell.label,
        runs: cell.runs.join(", "),
        configuration: cell.configuration.as_deref(),
    });
    let cells: Vec<Cell> = cells.collect();
    let has_names = cells.iter().any(|cell| cell.runs != cell.label);
    Content {
        title: &comparison.title,
        differing: &comparison.differing,
        outcome: &comparison.outcome,
        cautions: &comparison.cautions,
        has_names,
        has_runs: has_names || cells.iter().any(|cell| cell.configuration.is_some()),
        cells,
        charts: comparison.drawings.iter().map(Plot::of).collect(),
        grids: [
            Captioned {
                id: "balancing",
                title: "Balancing",
                grid: &comparison.balancing,
            },
            Captioned {
                id: "figures",
                title: "All figures",
                grid: &comparison.figures,
            },
        ],
        chart_colours: VARIABLES,
        style: include_str!("../../templates/report.css"),
    }
}
