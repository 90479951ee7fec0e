//! Memory of the system's processes over time: resident, and live bytes.

use highwater_scenarios::{metrics::Unit, plan::PhaseWindow};
use highwater_types::format;

use super::{
    chart::{Chart, Point, XAxis, YAxis},
    chart_context::{ChartContext, join_sentences},
    series::gauges,
};
use crate::record::{SourceRole, names::gauge};

/// What the operating system has given them.
pub(super) fn resident(scene: &ChartContext) -> Chart {
    let reading = "Resident memory is what the operating system has given each process; not all that is freed goes back at once.";
    chart(scene, "memory", "Resident memory", gauge::RSS, reading)
}

/// What they use of it.
pub(super) fn heap(scene: &ChartContext) -> Chart {
    let reading = "Live bytes of each process's allocator, without what it keeps in reserve; only from those that tell.";
    chart(scene, "heap", "Heap", gauge::HEAP, reading)
}

fn chart(
    scene: &ChartContext,
    name: &'static str,
    title: &'static str,
    gauge: &str,
    reading: &str,
) -> Chart {
    let roles = [
        ("nodes", SourceRole::Node),
        ("broker", SourceRole::Broker),
        ("balancers", SourceRole::Balancer),
        ("consumers", SourceRole::Consumer),
    ];
    let lines = roles.map(|(what, role)| (what, gauges(scene.window, role, gauge)));
    let [(_, nodes), ..] = &lines;
    let growth = largest_change(scene, nodes);
    Chart {
        name: name.into(),
        title: title.into(),
        about: join_sentences([growth, Some(reading.to_owned())]),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Bytes),
        series: scene.steps.by_role(lines.into()),
        empty_text: None,
    }
}

/// How far the node went whose memory changed most over the steady phase.
fn largest_change(scene: &ChartContext, lines: &[(String, Vec<Point>)]) -> Option<String> {
    let phases = &scene.window.record.phases;
    let range = phases.range(PhaseWindow::Steady)?;
    let end = range.end.min(phases.end);
    let grown = lines.iter().filter_map(|(id, points)| {
        let mut steady = points.iter().filter(|(at, _)| range.contains(at));
        let (first, last) = (steady.next()?.1, steady.next_back()?.1);
        Some((id, first, last))
    });
    let change = |(_, first, last): &(_, f64, f64)| (last - first).abs();
    let (id, first, last) = grown.max_by(|a, b| change(a).total_cmp(&change(b)))?;
    let sign = if last >= first { "+" } else { "−" };
    Some(format!(
        "Over the {} of the steady phase {id} changed most of the nodes, from {} to {} ({sign}{}).",
        format::seconds(end - range.start),
        format::size(first),
        format::size(last),
        format::size((last - first).abs())
    ))
}
