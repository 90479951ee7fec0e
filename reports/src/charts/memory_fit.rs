//! Memory of a node over its open sockets, with the fitted line whose slope is the cost.

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use super::{
    chart::{Chart, Colour, Point, Series, SeriesShape, XAxis, YAxis},
    chart_context::ChartContext,
    theme::SERIES,
};
use crate::{
    analysis::{cost::cost_fit, fit::SlopeFit},
    record::{SourceRole, names::gauge},
};

/// Most dots in one colour, so that a long run does not make a heavy page.
const MOST_DOTS: usize = 300;

/// Returns the chart, without a series where the summary has no cost.
pub(super) fn chart(context: &ChartContext) -> Chart {
    let fit = cost_fit(context.window, SourceRole::Node, gauge::RSS);
    let (about, series) = match fit.cost {
        Some(cost) => (about(cost), series(&fit.processes, cost)),
        None => Default::default(),
    };
    Chart {
        name: "memory-fit".into(),
        title: "Memory of a node over its sockets".into(),
        about,
        x: XAxis::Sockets,
        y: YAxis::linear(Unit::Bytes),
        series,
        empty_text: None,
    }
}

fn about(fit: SlopeFit) -> String {
    format!(
        "One more socket costs a node {} of resident memory, the slope of the line. The band is \
         its 95 % interval, {} to {}. Each dot is a sample of the ramp or the steady phase, less \
         the memory that its node uses without sockets.",
        format::size(fit.value),
        format::size(fit.low),
        format::size(fit.high)
    )
}

fn series(processes: &[(String, Vec<Vec<Point>>)], fit: SlopeFit) -> Vec<Series> {
    // Each process is drawn above its own intercept, so that all lie along one line.
    let above: Vec<(&str, Vec<Point>)> = processes
        .iter()
        .map(|(id, groups)| {
            let above = groups
                .iter()
                .flat_map(|group| above_intercept(group, fit.value));
            (id.as_str(), above.collect())
        })
        .collect();
    let most = above.iter().flat_map(|(_, points)| points).map(|&(x, _)| x);
    let most = most.fold(0.0, f64::max);
    let interval = vec![vec![
        (0.0, 0.0, 0.0),
        // A negative lower edge would leave the plot, whose axis starts at 0.
        (most, most * fit.low.max(0.0), most * fit.high),
    ]];
    let line = vec![vec![(0.0, 0.0), (most, most * fit.value)]];
    let interval = SeriesShape::Band(interval);
    let mut series = vec![Series::new("95 % interval", Colour::Muted, interval)];
    series.extend(dots(above));
    series.push(Series::line("fit", Colour::Ink, line));
    series
}

/// Returns the dots of each process, or of all in one colour when there are too many to
/// tell apart.
fn dots(processes: Vec<(&str, Vec<Point>)>) -> Vec<Series> {
    let dots = |label: String, colour, points: &[Point]| {
        let shape = SeriesShape::Dots(thinned(points));
        Series::new(label, Colour::Series(colour), shape)
    };
    if processes.len() > SERIES {
        let count = processes.len();
        let all: Vec<Point> = processes
            .into_iter()
            .flat_map(|(_, points)| points)
            .collect();
        return vec![dots(format!("samples of {count} nodes"), 0, &all)];
    }
    let each = processes.into_iter().enumerate();
    each.map(|(index, (id, points))| dots(id.to_owned(), index, &points))
        .collect()
}

/// Subtracts the group's intercept, where its line meets zero sockets.
fn above_intercept(group: &[Point], slope: f64) -> Vec<Point> {
    let n = group.len() as f64;
    let intercept = group.iter().map(|(x, y)| y - slope * x).sum::<f64>() / n;
    group
        .iter()
        // Noise may put a sample below its intercept, and the axis starts at 0.
        .map(|&(x, y)| (x, (y - intercept).max(0.0)))
        .collect()
}

fn thinned(points: &[Point]) -> Vec<Point> {
    let step = points.len().div_ceil(MOST_DOTS).max(1);
    points.iter().copied().step_by(step).collect()
}
