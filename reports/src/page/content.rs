//! What the page says, in the order in which it says it. The template only
//! arranges; every figure is text here already.

use serde::Serialize;

use super::{
    backplane, balance,
    balancer_events::{Told, told},
    counts,
    headline::{Headline, headlines},
    machines,
    plot::{Plot, Values},
    system::system,
    table::Table,
    tables,
};
use crate::{
    charts::{Drawing, Scene, VARIABLES},
    human,
    summary::{Summary, Verdict},
    text::{gate_text, verdict_reason, word},
};

/// The page's content.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    scenario: &'a str,
    description: &'a str,
    verdict: &'static str,
    reason: String,
    broken: Vec<Broken>,
    started_at: String,
    duration: String,
    system: String,
    headlines: Vec<Headline>,
    problems: &'a [String],
    events: Vec<Event<'a>>,
    over_time: Vec<Plot<'a>>,
    distributions: Vec<Plot<'a>>,
    times: Table,
    costs: Table,
    balance: Vec<Table>,
    processes: Vec<Table>,
    between: Vec<Table>,
    counts: Vec<Table>,
    failures: Table,
    ledger: Table,
    gates: Table,
    scenario_text: &'a str,
    sets: &'a [String],
    balancer_configuration: Option<&'a str>,
    told: Vec<Told<'a>>,
    machine: Table,
    chart_colours: &'static str,
    style: &'static str,
    script: &'static str,
    values: String,
}

/// A gate that does not hold, or whose figure is not known.
#[derive(Debug, Serialize)]
struct Broken {
    verdict: &'static str,
    text: String,
}

/// An event of the time axis.
#[derive(Debug, Serialize)]
struct Event<'a> {
    name: &'a str,
    at: String,
}

/// Everything that the template needs. `baseline` is the summary of the run
/// that this one is held against.
pub(super) fn content<'a>(
    scene: &'a Scene,
    summary: &'a Summary,
    baseline: Option<&Summary>,
    drawings: &'a [Drawing],
) -> Result<Content<'a>, serde_json::Error> {
    let cut = scene.cut;
    let manifest = &cut.record.manifest;
    let (over_time, others): (Vec<&Drawing>, Vec<&Drawing>) = drawings
        .iter()
        .partition(|drawing| drawing.readout.is_some());
    Ok(Content {
        scenario: &summary.scenario,
        description: &manifest.plan.description,
        verdict: word(summary.verdict),
        reason: verdict_reason(summary),
        broken: broken(summary),
        started_at: summary
            .started_at
            .format("%Y-%m-%d %H:%M:%S UTC")
            .to_string(),
        duration: human::seconds(summary.duration_s),
        system: system(&manifest.plan.system),
        headlines: headlines(summary, baseline),
        problems: &summary.problems,
        events: events(scene),
        values: Values::of(scene, &over_time).json()?,
        over_time: over_time.into_iter().map(Plot::of).collect(),
        distributions: others.into_iter().map(Plot::of).collect(),
        times: tables::times(summary),
        costs: tables::costs(summary),
        balance: balance::tables(summary),
        processes: machines::processes(summary),
        between: backplane::tables(summary)
            .into_iter()
            .chain(machines::processors(summary))
            .collect(),
        counts: counts::counts(summary),
        failures: counts::failures(cut),
        ledger: counts::ledger(summary),
        gates: tables::gates(summary),
        scenario_text: &manifest.scenario_text,
        sets: &manifest.sets,
        balancer_configuration: manifest.balancer_configuration.as_deref(),
        told: told(cut.record),
        machine: machines::machine(manifest),
        chart_colours: VARIABLES,
        style: include_str!("../../templates/report.css"),
        script: include_str!("../../templates/report.js"),
    })
}

fn broken(summary: &Summary) -> Vec<Broken> {
    let broken = summary
        .gates
        .iter()
        .filter(|gate| gate.verdict != Verdict::Passed);
    broken
        .map(|gate| Broken {
            verdict: word(gate.verdict),
            text: gate_text(gate),
        })
        .collect()
}

fn events<'a>(scene: &'a Scene) -> Vec<Event<'a>> {
    let marks = scene.timeline.marks.iter();
    marks
        .map(|mark| Event {
            name: &mark.name,
            at: human::seconds((mark.at * 10.0).round() / 10.0),
        })
        .collect()
}
