//! The metrics of a target that its scenario names, each as a chart over time.

use std::slice;

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use super::{
    chart::{Chart, Point, XAxis, YAxis},
    chart_context::{ChartContext, highest_point, join_sentences},
    series::NamedPoints,
};
use crate::analysis::observed::{observed_processes, observed_series};

/// Beginning of the names of these charts.
pub(crate) const OBSERVED_PREFIX: &str = "observed-";

/// Most charts of a page. Tables have the metrics beyond.
const MOST_CHARTS: usize = 32;

/// Returns a chart for each name of a metric, with a line for each process that has it.
pub(super) fn charts(context: &ChartContext) -> Vec<Chart> {
    let mut names: Vec<&str> = Vec::new();
    let processes = observed_processes(context.window);
    for metric in processes.iter().flat_map(|process| &process.metrics) {
        // Names stand in the order of the scenario.
        if !names.contains(&metric.name.as_str()) {
            names.push(&metric.name);
        }
    }
    names.truncate(MOST_CHARTS);
    names.into_iter().map(|name| chart(context, name)).collect()
}

fn chart(context: &ChartContext, name: &str) -> Chart {
    let mut lines = NamedPoints::new();
    let mut selectors: Vec<&str> = Vec::new();
    let mut per_second = false;
    for process in observed_processes(context.window) {
        let Some(metric) = process.metrics.iter().find(|metric| metric.name == name) else {
            continue;
        };
        if !selectors.contains(&metric.selector.as_str()) {
            selectors.push(metric.selector.as_str());
        }
        for source in process.process_names() {
            let series = observed_series(context.window, slice::from_ref(&source), name);
            per_second |= series.per_second;
            let points = series.samples.iter().map(|s| (s.at_s, s.value));
            let points: Vec<Point> = points.collect();
            if !points.is_empty() {
                lines.push((source, points));
            }
        }
    }
    let meaning = match per_second {
        true => "The growth per second of",
        false => "The sum of",
    };
    let explanation = format!("{meaning} `{}`.", selectors.join("`, `"));
    Chart {
        name: format!("{OBSERVED_PREFIX}{name}").into(),
        title: name.to_owned().into(),
        about: join_sentences([highest(context, &lines), Some(explanation)]),
        x: XAxis::Time,
        y: YAxis::linear(match per_second {
            true => Unit::PerSecond,
            false => Unit::Count,
        }),
        series: context.steps.lines_or_band("processes", lines, 0),
        empty_text: None,
    }
}

fn highest(context: &ChartContext, lines: &[(String, Vec<Point>)]) -> Option<String> {
    let peaks = lines
        .iter()
        .filter_map(|(id, points)| Some((id, highest_point(points)?)));
    let (id, (at, value)) = peaks.max_by(|(_, a), (_, b)| a.1.total_cmp(&b.1))?;
    Some(format!(
        "The highest value was {} at {id}, {}.",
        format::significant(value),
        // A sample's point lies at its instant, not in the middle of a step.
        context.describe_time(at - context.steps.length_s / 2.0)
    ))
}
