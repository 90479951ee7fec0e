//! What the page says, in the order in which it says it. The template only
//! arranges; every figure is text here already.

use highwater_types::format;
use serde::Serialize;

use super::{
    backplane, balance,
    balancer_events::{BalancerEvent, balancer_events},
    counts,
    headline::{Headline, headlines},
    machines,
    plot::{Plot, TooltipData},
    system::system,
    table::PageTable,
    tables,
};
use crate::{
    charts::{ChartContext, Drawing, VARIABLES},
    summary::{Summary, Verdict},
    text::{gate_text, verdict_reason, verdict_word},
};

/// The page's content.
#[derive(Debug, Serialize)]
pub(super) struct ReportPage<'a> {
    scenario: &'a str,
    description: &'a str,
    verdict: &'static str,
    reason: String,
    unmet_gates: Vec<UnmetGate>,
    started_at: String,
    duration: String,
    system: String,
    headlines: Vec<Headline>,
    problems: &'a [String],
    events: Vec<TimelineEvent<'a>>,
    over_time: Vec<Plot<'a>>,
    distributions: Vec<Plot<'a>>,
    times: PageTable,
    costs: PageTable,
    balance: Vec<PageTable>,
    processes: Vec<PageTable>,
    backplane_tables: Vec<PageTable>,
    counts: Vec<PageTable>,
    failures: PageTable,
    ledger: PageTable,
    gates: PageTable,
    scenario_text: &'a str,
    sets: &'a [String],
    balancer_configuration: Option<&'a str>,
    balancer_events: Vec<BalancerEvent<'a>>,
    machine: PageTable,
    chart_colours: &'static str,
    style: &'static str,
    script: &'static str,
    tooltips: String,
}

/// A gate that does not hold, or whose figure is not known.
#[derive(Debug, Serialize)]
struct UnmetGate {
    verdict: &'static str,
    text: String,
}

/// An event of the time axis.
#[derive(Debug, Serialize)]
struct TimelineEvent<'a> {
    name: &'a str,
    at: String,
}

/// Everything that the template needs. `baseline` is the summary of the run
/// that this one is held against.
pub(super) fn content<'a>(
    context: &'a ChartContext,
    summary: &'a Summary,
    baseline: Option<&Summary>,
    drawings: &'a [Drawing],
) -> Result<ReportPage<'a>, minijinja::Error> {
    let window = context.window;
    let manifest = &window.record.manifest;
    let (over_time, others): (Vec<&Drawing>, Vec<&Drawing>) = drawings
        .iter()
        .partition(|drawing| drawing.tooltip.is_some());
    Ok(ReportPage {
        scenario: &summary.scenario,
        description: &manifest.plan.description,
        verdict: verdict_word(summary.verdict),
        reason: verdict_reason(summary),
        unmet_gates: unmet_gates(summary),
        started_at: summary
            .started_at
            .format("%Y-%m-%d %H:%M:%S UTC")
            .to_string(),
        duration: format::seconds(summary.duration_s),
        system: system(&manifest.plan.system),
        headlines: headlines(summary, baseline),
        problems: &summary.problems,
        events: timeline_events(context),
        tooltips: TooltipData::of(context, &over_time).json()?,
        over_time: over_time.into_iter().map(Plot::of).collect(),
        distributions: others.into_iter().map(Plot::of).collect(),
        times: tables::times(summary),
        costs: tables::costs(summary),
        balance: balance::tables(summary),
        processes: machines::processes(summary),
        backplane_tables: backplane::tables(summary)
            .into_iter()
            .chain(machines::cpu_cores(summary))
            .collect(),
        counts: counts::counts(summary),
        failures: counts::failures(window),
        ledger: counts::ledger(summary),
        gates: tables::gates(summary),
        scenario_text: &manifest.scenario_text,
        sets: &manifest.sets,
        balancer_configuration: manifest.balancer_configuration.as_deref(),
        balancer_events: balancer_events(window.record),
        machine: machines::machine(manifest),
        chart_colours: VARIABLES,
        style: include_str!("../../templates/report.css"),
        script: include_str!("../../templates/report.js"),
    })
}

fn unmet_gates(summary: &Summary) -> Vec<UnmetGate> {
    let broken = summary
        .gates
        .iter()
        .filter(|gate| gate.verdict != Verdict::Passed);
    broken
        .map(|gate| UnmetGate {
            verdict: verdict_word(gate.verdict),
            text: gate_text(gate),
        })
        .collect()
}

fn timeline_events<'a>(context: &'a ChartContext) -> Vec<TimelineEvent<'a>> {
    let marks = context.timeline.marks.iter();
    marks
        .map(|mark| TimelineEvent {
            name: &mark.name,
            at: format::seconds((mark.at * 10.0).round() / 10.0),
        })
        .collect()
}
