//! Charts of a comparison: each cell's sockets by node on one scale, and how even
//! all of them were. Time runs from the same distance before the steady phase, so
//! that an event stands at one place in all of them.

use highwater_scenarios::{metrics::Unit, plan::PhaseWindow};
use highwater_types::format;

use super::{
    chart::{Chart, Point, Series, SeriesShape, XAxis, YAxis},
    chart_context::{ChartContext, highest_point},
    draw::{Drawing, render_drawing},
    evenness::before_the_drain,
    series::{TimeSteps, gauges},
    timeline::Timeline,
};
use crate::record::{SourceRole, names::gauge};

/// What of a run is drawn beside others.
#[derive(Debug, Clone)]
pub(crate) struct RunTrace {
    /// Sockets of each node.
    nodes: Vec<Series>,
    /// The fullest node over the mean.
    fullest: Vec<Point>,
    steps: TimeSteps,
    timeline: Timeline,
    /// When the steady phase began.
    steady_s: f64,
}

/// A cell of a comparison.
pub(crate) struct CellTraces<'a> {
    pub(crate) label: &'a str,
    /// Of each of its runs.
    pub(crate) traces: Vec<&'a RunTrace>,
}

/// What all charts have in common.
struct SharedScale {
    /// The latest beginning of a steady phase.
    steady_s: f64,
    /// The last end of a run, on that scale.
    end_s: f64,
    /// The most sockets of one node.
    max_sockets: f64,
}

impl RunTrace {
    pub(crate) fn of(scene: &ChartContext) -> Self {
        let nodes = gauges(scene.window, SourceRole::Node, gauge::SOCKETS_OPEN);
        let steady = scene.window.record.phases.range(PhaseWindow::Steady);
        let spreads = before_the_drain(scene).into_iter();
        Self {
            nodes: scene.steps.lines_or_band("nodes", nodes, 1),
            fullest: spreads
                .map(|spread| (spread.at_s, spread.evenness.max_over_mean))
                .collect(),
            steps: scene.steps,
            timeline: scene.timeline.clone(),
            steady_s: steady.map_or(0.0, |range| range.start),
        }
    }
}

/// A chart for each lane in their order, then one of all together.
pub(crate) fn side_by_side(lanes: &[CellTraces]) -> Result<Vec<Drawing>, String> {
    let frame = SharedScale::of(lanes);
    let mut drawings = Vec::new();
    for (index, lane) in lanes.iter().enumerate() {
        let chart = sockets(index + 1, lane, &frame);
        if !chart.series.is_empty() {
            drawings.push(render_drawing(&chart, &frame.timeline(lane), None)?);
        }
    }
    let evenness = evenness(lanes, &frame);
    if let (Some(first), false) = (lanes.first(), evenness.series.is_empty()) {
        drawings.push(render_drawing(&evenness, &frame.timeline(first), None)?);
    }
    Ok(drawings)
}

fn sockets(number: usize, lane: &CellTraces, frame: &SharedScale) -> Chart {
    let mut series = Vec::new();
    for (run, trace) in lane.traces.iter().enumerate() {
        let by = frame.shift(trace);
        series.extend(trace.nodes.iter().map(|line| Series {
            // One entry in the legend for a node, whatever the number of runs.
            label: match run {
                0 => line.label.clone(),
                _ => String::new(),
            },
            shape: shifted(&line.shape, by),
            ..line.clone()
        }));
    }
    series.retain(|line| !line.points().is_empty());
    Chart {
        name: format!("sockets-{number}").into(),
        title: format!("Sockets of each node: {}", lane.label).into(),
        about: about(lane),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Count).with_at_least(frame.max_sockets),
        series,
        empty_text: None,
    }
}

fn about(lane: &CellTraces) -> String {
    let most = lane.traces.iter().flat_map(|trace| &trace.nodes);
    let points: Vec<Point> = most.flat_map(Series::points).collect();
    let most = highest_point(&points).map_or(0.0, |(_, most)| most);
    let runs = match lane.traces.len() {
        1 => String::new(),
        runs => format!(" Each of {runs} runs has its own lines, in the colours of its nodes."),
    };
    format!(
        "The most that one node held was {}. All charts of sockets here have the same scales.{runs}",
        format::count(most as u64)
    )
}

/// The mean over the runs of each lane.
fn evenness(lanes: &[CellTraces], frame: &SharedScale) -> Chart {
    let lines = lanes.iter().map(|lane| {
        let points = lane.traces.iter().flat_map(|trace| {
            let by = frame.shift(trace);
            trace
                .fullest
                .iter()
                .map(move |&(at, value)| (at + by, value))
        });
        (lane.label.to_owned(), points.collect::<Vec<Point>>())
    });
    let lines: Vec<_> = lines.filter(|(_, points)| !points.is_empty()).collect();
    let series = match longest_steps(lanes) {
        Some(steps) => steps.lines_or_band("cells", lines, 0),
        None => Vec::new(),
    };
    Chart {
        name: "evenness".into(),
        title: "Fullest node over the mean".into(),
        about: "1 is an even spread over the nodes that are up. Of several runs it is the mean."
            .to_owned(),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Ratio),
        series,
        empty_text: None,
    }
}

impl SharedScale {
    fn of(lanes: &[CellTraces]) -> Self {
        let traces = || lanes.iter().flat_map(|lane| lane.traces.iter().copied());
        let steady_s = traces().map(|trace| trace.steady_s).fold(0.0, f64::max);
        let ends = traces().map(|trace| trace.timeline.end + steady_s - trace.steady_s);
        let points = traces().flat_map(|trace| trace.nodes.iter().flat_map(Series::points));
        Self {
            steady_s,
            end_s: ends.fold(0.0, f64::max),
            max_sockets: points.map(|(_, sockets)| sockets).fold(0.0, f64::max),
        }
    }

    /// How much later a run's instants stand in the charts.
    fn shift(&self, trace: &RunTrace) -> f64 {
        self.steady_s - trace.steady_s
    }

    /// The first run's, which stands for its repeats.
    fn timeline(&self, lane: &CellTraces) -> Timeline {
        let Some(trace) = lane.traces.first() else {
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

/// The longest of all, so that each has something of every run.
fn longest_steps(lanes: &[CellTraces]) -> Option<TimeSteps> {
    let traces = lanes.iter().flat_map(|lane| &lane.traces);
    let steps = traces.map(|trace| trace.steps);
    steps.max_by(|a, b| a.length_s.total_cmp(&b.length_s))
}

fn shifted(shape: &SeriesShape, by: f64) -> SeriesShape {
    let pieces = |pieces: &[Vec<Point>]| -> Vec<Vec<Point>> {
        let piece = |piece: &Vec<Point>| piece.iter().map(|&(x, y)| (x + by, y)).collect();
        pieces.iter().map(piece).collect()
    };
    match shape {
        SeriesShape::Line(lines) => SeriesShape::Line(pieces(lines)),
        SeriesShape::Dots(dots) => {
            SeriesShape::Dots(dots.iter().map(|&(x, y)| (x + by, y)).collect())
        }
        SeriesShape::Band(bands) => SeriesShape::Band(
            bands
                .iter()
                .map(|band| {
                    band.iter()
                        .map(|&(x, low, high)| (x + by, low, high))
                        .collect()
                })
                .collect(),
        ),
        SeriesShape::Bars(bars) => SeriesShape::Bars(
            bars.iter()
                .map(|&(left, right, height)| (left + by, right + by, height))
                .collect(),
        ),
    }
}
