//! What the page says, in the order in which it says it. The template only
//! arranges; every figure is text here already.

use serde::Serialize;

use super::{
    headline::{Headline, headlines},
    machines,
    table::Table,
    tables,
};
use crate::{
    analysis::cut::Cut,
    charts::{Drawing, VARIABLES},
    human,
    summary::Summary,
    text::{verdict_reason, word},
};

/// The page's content.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    scenario: &'a str,
    description: &'a str,
    verdict: &'static str,
    reason: String,
    started_at: String,
    duration: String,
    headlines: Vec<Headline>,
    problems: &'a [String],
    gates: Table,
    times: Table,
    costs: Table,
    counts: Vec<Table>,
    processes: Vec<Table>,
    failures: Table,
    balance: Vec<Table>,
    charts: Vec<Plot<'a>>,
    scenario_text: &'a str,
    sets: &'a [String],
    machine: Table,
    balancer_configuration: Option<&'a str>,
    chart_colours: &'static str,
    style: &'static str,
}

/// A chart in the page.
#[derive(Debug, Serialize)]
struct Plot<'a> {
    name: &'static str,
    about: &'a str,
    svg: &'a str,
}

/// Everything that the template needs.
pub(super) fn content<'a>(
    cut: &'a Cut,
    summary: &'a Summary,
    drawings: &'a [Drawing],
) -> Content<'a> {
    let manifest = &cut.record.manifest;
    Content {
        scenario: &summary.scenario,
        description: &manifest.plan.description,
        verdict: word(summary.verdict),
        reason: verdict_reason(summary),
        started_at: summary
            .started_at
            .format("%Y-%m-%d %H:%M:%S UTC")
            .to_string(),
        duration: human::seconds(summary.duration_s),
        headlines: headlines(summary),
        problems: &summary.problems,
        gates: tables::gates(summary),
        times: tables::times(summary),
        costs: tables::costs(summary),
        counts: tables::counts(summary),
        processes: machines::processes(summary),
        failures: tables::failures(cut),
        balance: tables::balance(summary),
        charts: drawings.iter().map(plot).collect(),
        scenario_text: &manifest.scenario_text,
        sets: &manifest.sets,
        machine: machines::machine(manifest),
        balancer_configuration: manifest.balancer_configuration.as_deref(),
        chart_colours: VARIABLES,
        style: include_str!("../../templates/report.css"),
    }
}

fn plot(drawing: &Drawing) -> Plot<'_> {
    Plot {
        name: drawing.name,
        about: &drawing.about,
        svg: &drawing.svg,
    }
}
