//! The content of the page, in the order of the page. All values are text already; the
//! template only arranges them.

use highwater_types::format;
use serde::Serialize;

use super::{
    balancer_events::{BalancerEvent, balancer_events},
    headline::{Headline, headlines},
    metric_tables,
    system::system,
    table::PageTable,
    tables,
    tooltip_data::TooltipData,
};
use crate::{
    analysis::summary_metrics::SummaryMetrics,
    charts::{ChartContext, Drawing, OBSERVED_PREFIX, VARIABLES},
    summary::{Summary, Verdict},
    text::{self, gate_text, verdict_reason, verdict_word},
};

/// The content of the page, for the template.
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
    what_failed: Vec<String>,
    headlines: Vec<Headline>,
    problems: &'a [String],
    events: Vec<TimelineEvent<'a>>,
    over_time: Vec<&'a Drawing>,
    observed_charts: Vec<&'a Drawing>,
    observed: PageTable,
    distributions: Vec<&'a Drawing>,
    times: PageTable,
    costs: PageTable,
    balance: Vec<PageTable>,
    processes: Vec<PageTable>,
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

/// A gate that does not hold, or whose metric was not measured.
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

/// Collects the content. `baseline` is the summary of the run to compare with.
pub(super) fn content<'a>(
    context: &'a ChartContext,
    summary: &'a Summary,
    baseline: Option<&Summary>,
    drawings: &'a [Drawing],
) -> Result<ReportPage<'a>, minijinja::Error> {
    let window = context.window;
    let manifest = &window.record.manifest;
    let metrics = SummaryMetrics::of(summary);
    let started_at = summary.started_at.format("%Y-%m-%d %H:%M:%S UTC");
    let (over_time, distributions): (Vec<&Drawing>, Vec<&Drawing>) = drawings
        .iter()
        // Charts over time have values for the script.
        .partition(|drawing| drawing.over_time);
    let tooltips = TooltipData::of(context, &over_time).json()?;
    let (observed_charts, over_time): (Vec<&Drawing>, Vec<&Drawing>) = over_time
        .into_iter()
        .partition(|drawing| drawing.name.starts_with(OBSERVED_PREFIX));
    Ok(ReportPage {
        scenario: &summary.scenario,
        description: &manifest.plan.description,
        verdict: verdict_word(summary.verdict),
        reason: verdict_reason(summary),
        unmet_gates: unmet_gates(summary),
        started_at: started_at.to_string(),
        duration: format::seconds(summary.duration_s),
        system: system(&manifest.plan.system),
        what_failed: text::failure_sentences(summary).collect(),
        headlines: headlines(summary, baseline),
        problems: &summary.problems,
        events: timeline_events(context),
        tooltips,
        over_time,
        observed_charts,
        observed: tables::observed(summary),
        distributions,
        times: metric_tables::times(&metrics),
        costs: metric_tables::costs(&metrics),
        balance: balance(summary, &metrics),
        processes: metric_tables::processes(&metrics),
        counts: metric_tables::counts(&metrics),
        failures: tables::failures(summary),
        ledger: tables::ledger(summary),
        gates: tables::gates(summary),
        scenario_text: &manifest.scenario_text,
        sets: &manifest.sets,
        balancer_configuration: manifest.balancer_configuration.as_deref(),
        balancer_events: balancer_events(window.record),
        machine: tables::machine(manifest),
        chart_colours: VARIABLES,
        style: include_str!("../../templates/report.css"),
        script: include_str!("../../templates/report.js"),
    })
}

fn balance(summary: &Summary, metrics: &SummaryMetrics) -> Vec<PageTable> {
    let mut tables = vec![metric_tables::balance(metrics)];
    tables.extend(metric_tables::balance_items(metrics));
    tables.push(super::tables::arrivals(summary));
    tables.retain(|table| !table.rows.is_empty());
    tables
}

fn unmet_gates(summary: &Summary) -> Vec<UnmetGate> {
    let gates = summary.gates.iter();
    // The head of the page lists only the gates that need attention.
    let unmet = gates.filter(|gate| gate.verdict != Verdict::Passed);
    unmet
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
