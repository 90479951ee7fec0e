//! Sockets over time: asked for, open at the clients, open at each node.

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use super::{
    chart::{Chart, Colour, Point, Series, Stroke, XAxis, YAxis},
    chart_context::{ChartContext, highest_point, join_sentences},
    series::gauges,
};
use crate::{
    analysis::source_series::Sample,
    record::{SourceRole, names::gauge},
};

/// This part of the most counts as all of them.
const ALL: f64 = 0.99;

pub(super) fn chart(scene: &ChartContext) -> Chart {
    let total = |role, name| -> Vec<Point> {
        let samples = scene.window.series.sum_per_second(role, name).into_iter();
        samples
            .map(|Sample { at_s, value }| (at_s, value))
            .collect()
    };
    let wanted = total(SourceRole::Coordinator, gauge::SOCKETS_WANTED);
    let clients = total(SourceRole::Worker, gauge::SOCKETS_OPEN);
    let about = join_sentences([
        reached(scene, &clients),
        largest_drop(scene, &clients),
        Some(
            "What the plan asks for, what the clients hold and what each node counts should agree."
                .to_owned(),
        ),
    ]);
    let mut series = vec![Series::line(
        "clients",
        Colour::Series(0),
        scene.steps.mean_lines(clients),
    )];
    let nodes = gauges(scene.window, SourceRole::Node, gauge::SOCKETS_OPEN);
    series.extend(scene.steps.lines_or_band("nodes", nodes, 1));
    let asked = Series::line("asked", Colour::Ink, scene.steps.mean_lines(wanted));
    series.push(asked.with_stroke(Stroke::Dashed));
    Chart {
        name: "sockets".into(),
        title: "Open sockets".into(),
        about,
        x: XAxis::Time,
        y: YAxis::linear(Unit::Count),
        series,
        empty_text: None,
    }
}

/// How many were open at once, and since when.
fn reached(scene: &ChartContext, clients: &[Point]) -> Option<String> {
    let (_, most) = highest_point(clients)?;
    let (since, _) = clients.iter().find(|(_, open)| *open >= most * ALL)?;
    let begun = scene.window.record.phases.ramp.unwrap_or(0.0);
    Some(format!(
        "{} sockets were open at most, {:.0} % of them {} after the ramp began.",
        format::count(most as u64),
        ALL * 100.0,
        format::seconds((since - begun).round().max(0.0))
    ))
}

/// The event after which most sockets were lost, and whether they came back.
fn largest_drop(scene: &ChartContext, clients: &[Point]) -> Option<String> {
    let drain = scene.window.record.phases.drain.unwrap_or(f64::INFINITY);
    let marks = &scene.timeline.marks;
    let falls = marks.iter().enumerate().filter_map(|(index, mark)| {
        let next = marks
            .get(index + 1)
            .map_or(drain, |next| next.at.min(drain));
        let before = clients.iter().rfind(|(at, _)| *at <= mark.at)?.1;
        let after: Vec<Point> = clients
            .iter()
            .copied()
            .filter(|(at, _)| *at > mark.at && *at < next)
            .collect();
        let least = after.iter().map(|&(_, open)| open).fold(before, f64::min);
        let back = after
            .iter()
            .skip_while(|(_, open)| *open >= before * ALL)
            .find(|(_, open)| *open >= before * ALL);
        Some((mark, before, least, back.map(|(at, _)| at - mark.at)))
    });
    let (mark, before, least, back) = falls.max_by(|a, b| (a.1 - a.2).total_cmp(&(b.1 - b.2)))?;
    if least >= before * ALL {
        return None;
    }
    let back = match back {
        Some(after) => format!(
            "and were back {} after it",
            format::seconds(after.round().max(1.0))
        ),
        None => "and did not come back before the next event or the drain".to_owned(),
    };
    Some(format!(
        "After “{}” they fell from {} to {} {back}.",
        mark.name,
        format::count(before as u64),
        format::count(least as u64)
    ))
}
