//! Memory against live sockets, with the fitted line whose slope is the cost.

use highwater_scenarios::figures::Unit;

use super::chart::{Chart, Colour, Point, Series, Shape, XAxis, YAxis};
use crate::{
    analysis::{cost::points, cut::Cut, fit::slope},
    human,
    record::{Role, names::gauge},
    summary::Fit,
};

/// Most dots for one process.
const MOST_DOTS: usize = 150;

/// Each process above its own level, so that all lie along one line; empty when
/// there is none.
pub(super) fn chart(cut: &Cut) -> Chart {
    let processes = points(cut, Role::Node, gauge::RSS);
    let groups: Vec<Vec<Point>> = processes.iter().flat_map(|(_, g)| g.clone()).collect();
    let (about, series) = match slope(&groups) {
        Some(fit) => (about(fit), series(&processes, fit)),
        None => Default::default(),
    };
    Chart {
        name: "memory-fit",
        title: "Memory of a node above its level without sockets, against its sockets",
        about,
        x: XAxis::Sockets,
        y: YAxis::linear(Unit::Bytes),
        series,
    }
}

fn about(fit: Fit) -> String {
    format!(
        "Each dot is a sample of resident memory in the ramp or the steady phase. The line's slope \
         is the cost of one more socket: {}, 95 % between {} and {}.",
        human::bytes(fit.value),
        human::bytes(fit.low),
        human::bytes(fit.high)
    )
}

fn series(processes: &[(String, Vec<Vec<Point>>)], fit: Fit) -> Vec<Series> {
    let above: Vec<(&str, Vec<Point>)> = processes
        .iter()
        .map(|(id, groups)| {
            let above = groups
                .iter()
                .flat_map(|group| above_level(group, fit.value));
            (id.as_str(), above.collect())
        })
        .collect();
    let most = above.iter().flat_map(|(_, points)| points).map(|&(x, _)| x);
    let most = most.fold(0.0, f64::max);
    let dots = above
        .iter()
        .enumerate()
        .map(|(index, (id, points))| Series {
            label: (*id).to_owned(),
            colour: Colour::Series(index),
            shape: Shape::Dots(thinned(points)),
        });
    let line = vec![vec![(0.0, 0.0), (most, most * fit.value)]];
    dots.chain([Series::line("fit", Colour::Ink, line)])
        .collect()
}

/// The group's samples above where its line meets no sockets.
fn above_level(group: &[Point], slope: f64) -> Vec<Point> {
    let n = group.len() as f64;
    let level = group.iter().map(|(x, y)| y - slope * x).sum::<f64>() / n;
    group
        .iter()
        .map(|&(x, y)| (x, (y - level).max(0.0)))
        .collect()
}

fn thinned(points: &[Point]) -> Vec<Point> {
    let step = points.len().div_ceil(MOST_DOTS).max(1);
    points.iter().copied().step_by(step).collect()
}
