//! Memory against live sockets, with the fitted line whose slope is the cost.

use highwater_scenarios::figures::Unit;

use super::chart::{Chart, Colour, Point, Series, Shape, XAxis, YAxis};
use crate::{
    analysis::{cost::points, cut::Cut, fit::slope},
    human,
    record::{Role, names::gauge},
};

/// Most dots for one process.
const MOST_DOTS: usize = 150;

pub(super) fn chart(cut: &Cut) -> Chart {
    let processes = points(cut, Role::Node, gauge::RSS);
    let groups: Vec<Vec<Point>> = processes.iter().flat_map(|(_, g)| g.clone()).collect();
    let fit = slope(&groups);
    let mut series = Vec::new();
    for (index, (id, groups)) in processes.iter().enumerate() {
        let colour = Colour::Series(index);
        series.push(Series {
            label: id.clone(),
            colour,
            shape: Shape::Dots(thinned(&groups.concat())),
        });
        if let Some(fit) = fit {
            let lines = groups.iter().filter(|group| group.len() > 1);
            let lines = lines.map(|group| line(group, fit.value)).collect();
            series.push(Series::line("", colour, lines));
        }
    }
    let found = match fit {
        Some(fit) => format!(
            "The slope is the cost of one more socket: {} ({} to {}).",
            human::bytes(fit.value),
            human::bytes(fit.low),
            human::bytes(fit.high)
        ),
        None => "There is too little growth in it to fit a line.".to_owned(),
    };
    Chart {
        name: "memory-fit",
        title: "Resident memory of a node against its sockets",
        about: format!("Each dot is a sample of the ramp or the steady phase. {found}"),
        x: XAxis::Sockets,
        y: YAxis::linear(Unit::Bytes),
        series,
    }
}

/// Through the middle of a process's samples with the slope common to all.
fn line(group: &[Point], slope: f64) -> Vec<Point> {
    let n = group.len() as f64;
    let x = group.iter().map(|&(x, _)| x).sum::<f64>() / n;
    let y = group.iter().map(|&(_, y)| y).sum::<f64>() / n;
    let xs = group.iter().map(|&(x, _)| x);
    let (low, high) = xs.fold((x, x), |(low, high), x| (low.min(x), high.max(x)));
    [low, high].map(|at| (at, y + slope * (at - x))).to_vec()
}

fn thinned(points: &[Point]) -> Vec<Point> {
    let step = points.len().div_ceil(MOST_DOTS).max(1);
    points.iter().copied().step_by(step).collect()
}
