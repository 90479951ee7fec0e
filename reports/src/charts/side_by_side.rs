//! The charts of a comparison: each cell's sockets by node on one scale, and the evenness of
//! all cells. The steady phase begins at the same place in all of them, so that an event
//! stands at one place.

use highwater_scenarios::{metrics::Unit, plan::PhaseWindow};
use highwater_types::format;

use super::{
    chart::{Chart, Point, Series, XAxis, YAxis},
    chart_context::{ChartContext, highest_point},
    draw::{Drawing, render_drawing},
    evenness::before_the_drain,
    series::{TimeSteps, gauges},
    timeline::Timeline,
};
use crate::record::{SourceRole, names::gauge};

/// The lines of a run that are drawn beside those of others.
#[derive(Debug, Clone)]
pub(crate) struct RunTrace {
    /// Sockets of each node.
    nodes: Vec<Series>,
    /// Sockets of the fullest node over the mean.
    fullest: Vec<Point>,
    steps: TimeSteps,
    timeline: Timeline,
    /// Start of the steady phase in seconds on the run's clock.
    steady_s: f64,
}

/// The lines of a cell of a comparison.
pub(crate) struct CellTraces<'a> {
    pub(crate) label: &'a str,
    /// Lines of each of its runs.
    pub(crate) traces: Vec<&'a RunTrace>,
}

/// The scale that all charts share.
struct SharedScale {
    /// Latest start of a steady phase.
    steady_s: f64,
    /// Latest end of a run on the shared time axis.
    end_s: f64,
    /// Most sockets of one node.
    max_sockets: f64,
}

impl RunTrace {
    pub(crate) fn of(context: &ChartContext) -> Self {
        let nodes = gauges(context.window, SourceRole::Node, gauge::SOCKETS_OPEN);
        let steady = context.window.record.phases.range(PhaseWindow::Steady);
        let evenness = before_the_drain(context).into_iter();
        Self {
            nodes: context.steps.lines_or_band("nodes", nodes, 1),
            fullest: evenness
                .map(|sample| (sample.at_s, sample.evenness.max_over_mean))
                .collect(),
            steps: context.steps,
            timeline: context.timeline.clone(),
            steady_s: steady.map_or(0.0, |range| range.start),
        }
    }
}

/// Draws a chart for each cell, then one of all cells together.
pub(crate) fn side_by_side(cells: &[CellTraces]) -> Result<Vec<Drawing>, String> {
    let scale = SharedScale::of(cells);
    let mut drawings = Vec::new();
    for (index, cell) in cells.iter().enumerate() {
        let chart = sockets(index + 1, cell, &scale);
        if !chart.series.is_empty() {
            // Values at an instant would need one script for many runs; the grids have the
            // numbers.
            drawings.push(render_drawing(&chart, &scale.timeline(cell), None)?);
        }
    }
    let evenness = evenness(cells, &scale);
    if let (Some(first), false) = (cells.first(), evenness.series.is_empty()) {
        drawings.push(render_drawing(&evenness, &scale.timeline(first), None)?);
    }
    Ok(drawings)
}

fn sockets(number: usize, cell: &CellTraces, scale: &SharedScale) -> Chart {
    let mut series = Vec::new();
    for (run, trace) in cell.traces.iter().enumerate() {
        for mut line in trace.nodes.iter().cloned() {
            line.shift(scale.shift(trace));
            // One entry in the legend for a node, whatever the number of runs.
            if run > 0 {
                line.label.clear();
            }
            series.push(line);
        }
    }
    // A node that never reported would have a legend entry without a line.
    series.retain(|line| !line.points().is_empty());
    Chart {
        name: format!("sockets-{number}").into(),
        title: format!("Sockets of each node: {}", cell.label).into(),
        about: about(cell),
        x: XAxis::Time,
        y: YAxis {
            at_least: scale.max_sockets,
            ..YAxis::linear(Unit::Count)
        },
        series,
        empty_text: None,
    }
}

fn about(cell: &CellTraces) -> String {
    let most = cell.traces.iter().flat_map(|trace| &trace.nodes);
    let points: Vec<Point> = most.flat_map(Series::points).collect();
    let most = highest_point(&points).map_or(0.0, |(_, most)| most);
    let runs = match cell.traces.len() {
        1 => String::new(),
        runs => format!(" Each of the {runs} runs has a line for each node, in the node's colour."),
    };
    format!(
        "One node held at most {} sockets. All charts of sockets on this page have the same \
         scales.{runs}",
        format::count(most as u64)
    )
}

/// Returns the chart of evenness, as the mean over the runs of each cell.
fn evenness(cells: &[CellTraces], scale: &SharedScale) -> Chart {
    let lines = cells.iter().map(|cell| {
        let points = cell.traces.iter().flat_map(|trace| {
            let by = scale.shift(trace);
            trace
                .fullest
                .iter()
                .map(move |&(at, value)| (at + by, value))
        });
        (cell.label.to_owned(), points.collect::<Vec<Point>>())
    });
    let lines: Vec<_> = lines.filter(|(_, points)| !points.is_empty()).collect();
    // Shorter steps would have gaps where a run has longer ones.
    let series = match longest_steps(cells) {
        Some(steps) => steps.lines_or_band("cells", lines, 0),
        None => Vec::new(),
    };
    Chart {
        name: "evenness".into(),
        title: "Fullest node over the mean".into(),
        about: "At 1, all nodes that are up hold the same number of sockets. Several runs are drawn as \
                their mean."
            .to_owned(),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Ratio),
        series,
        empty_text: None,
    }
}

impl SharedScale {
    fn of(cells: &[CellTraces]) -> Self {
        let traces = || cells.iter().flat_map(|cell| cell.traces.iter().copied());
        let steady_s = traces().map(|trace| trace.steady_s).fold(0.0, f64::max);
        let ends = traces().map(|trace| trace.timeline.end + steady_s - trace.steady_s);
        let points = traces().flat_map(|trace| trace.nodes.iter().flat_map(Series::points));
        Self {
            steady_s,
            end_s: ends.fold(0.0, f64::max),
            max_sockets: points.map(|(_, sockets)| sockets).fold(0.0, f64::max),
        }
    }

    /// Returns the seconds by which a run is shifted to the right.
    fn shift(&self, trace: &RunTrace) -> f64 {
        self.steady_s - trace.steady_s
    }

    /// Returns the timeline of a cell's first run, which stands for its repeats.
    fn timeline(&self, cell: &CellTraces) -> Timeline {
        let Some(trace) = cell.traces.first() else {
            return Timeline::default();
        };
        let by = self.shift(trace);
        let mut timeline = trace.timeline.clone();
        for (_, from, to) in &mut timeline.phases {
            *from += by;
            *to += by;
        }
        for mark in &mut timeline.marks {
            mark.at += by;
        }
        timeline.end = self.end_s;
        timeline
    }
}

/// Returns the longest steps, so that each one has a sample of every run.
fn longest_steps(cells: &[CellTraces]) -> Option<TimeSteps> {
    let traces = cells.iter().flat_map(|cell| &cell.traces);
    let steps = traces.map(|trace| trace.steps);
    steps.max_by(|a, b| a.length_s.total_cmp(&b.length_s))
}
