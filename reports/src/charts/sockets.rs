//! Sockets over time: planned, open at the clients, and open at each node.

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use super::{
    chart::{Chart, Colour, Point, Series, Stroke, XAxis, YAxis},
    chart_context::{ChartContext, highest_point, join_sentences},
    series::gauges,
    timeline::Mark,
};
use crate::{
    analysis::source_series::Sample,
    record::{SourceRole, names::gauge},
};

/// Share of a number of sockets that counts as all of them.
const ALL: f64 = 0.99;

/// The change of the number of sockets after an event.
struct SocketDrop<'a> {
    mark: &'a Mark,
    before: f64,
    least: f64,
    /// Seconds until all sockets were open again; `None` if they were not.
    recovered_after: Option<f64>,
}

pub(super) fn chart(context: &ChartContext) -> Chart {
    let total = |role, name| -> Vec<Point> {
        let samples = context.window.sources.sum_per_second(role, name);
        let points = samples.into_iter();
        points.map(|Sample { at_s, value }| (at_s, value)).collect()
    };
    let planned = total(SourceRole::Coordinator, gauge::SOCKETS_WANTED);
    let clients = total(SourceRole::Worker, gauge::SOCKETS_OPEN);
    let explanation = "The sockets that the plan asks for, that the clients hold and that all \
                       nodes together count should agree.";
    let about = join_sentences([
        reached(context, &clients),
        largest_drop(context, &clients),
        Some(explanation.to_owned()),
    ]);
    let clients = context.steps.mean_lines(clients);
    let mut series = vec![Series::line("clients", Colour::Series(0), clients)];
    let nodes = gauges(context.window, SourceRole::Node, gauge::SOCKETS_OPEN);
    series.extend(context.steps.lines_or_band("nodes", nodes, 1));
    // The plan is drawn last, so that it stays visible where all counts agree.
    let planned = Series::line("planned", Colour::Ink, context.steps.mean_lines(planned));
    series.push(planned.with_stroke(Stroke::Dashed));
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

/// Describes the most sockets open at once, and the time until they were.
fn reached(context: &ChartContext, clients: &[Point]) -> Option<String> {
    let (_, most) = highest_point(clients)?;
    let (since, _) = clients.iter().find(|(_, open)| *open >= most * ALL)?;
    let ramp = context.window.record.phases.ramp.unwrap_or(0.0);
    Some(format!(
        "{} sockets were open at most, {:.0} % of them {} after the ramp began.",
        format::count(most as u64),
        ALL * 100.0,
        format::seconds((since - ramp).round().max(0.0))
    ))
}

/// Describes the event after which most sockets were lost, and their return.
fn largest_drop(context: &ChartContext, clients: &[Point]) -> Option<String> {
    let drop = drops(context, clients).max_by(|a, b| {
        let lost = |drop: &SocketDrop| drop.before - drop.least;
        lost(a).total_cmp(&lost(b))
    })?;
    if drop.least >= drop.before * ALL {
        return None;
    }
    let back = match drop.recovered_after {
        Some(after) => format!(
            "and were all open again {} after it",
            format::seconds(after.round().max(1.0))
        ),
        None => "and were not all open again before the next event or the drain".to_owned(),
    };
    Some(format!(
        "After “{}” they fell from {} to {} {back}.",
        drop.mark.name,
        format::count(drop.before as u64),
        format::count(drop.least as u64)
    ))
}

fn drops<'a>(
    context: &'a ChartContext,
    clients: &'a [Point],
) -> impl Iterator<Item = SocketDrop<'a>> {
    let drain = context.window.record.phases.drain.unwrap_or(f64::INFINITY);
    let marks = &context.timeline.marks;
    marks.iter().enumerate().filter_map(move |(index, mark)| {
        let next = marks.get(index + 1);
        let end = next.map_or(drain, |next| next.at.min(drain));
        let before = clients.iter().rfind(|(at, _)| *at <= mark.at)?.1;
        let after = clients.iter().filter(|(at, _)| *at > mark.at && *at < end);
        let least = after.clone().map(|&(_, open)| open).fold(before, f64::min);
        // The drop is skipped first: the count is whole until it begins.
        let is_whole = |&&(_, open): &&Point| open >= before * ALL;
        let recovered = after.skip_while(is_whole).find(is_whole);
        Some(SocketDrop {
            mark,
            before,
            least,
            recovered_after: recovered.map(|(at, _)| at - mark.at),
        })
    })
}
