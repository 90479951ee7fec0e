//! Memory of the system's processes over time: resident memory, and heap.

use highwater_scenarios::{metrics::Unit, plan::PhaseWindow};
use highwater_types::format;

use super::{
    chart::{Chart, Point, XAxis, YAxis},
    chart_context::{ChartContext, join_sentences},
    series::{SYSTEM_ROLES, gauges},
};
use crate::record::names::gauge;

/// Returns the chart of resident memory.
pub(super) fn resident(context: &ChartContext) -> Chart {
    let explanation = "Resident memory is the memory that the operating system has given to each \
                       process. A process does not return all freed memory at once.";
    chart(
        context,
        "memory",
        "Resident memory",
        gauge::RSS,
        explanation,
    )
}

/// Returns the chart of heap.
pub(super) fn heap(context: &ChartContext) -> Chart {
    let explanation = "Heap is the live memory of each process's allocator, without the \
                       allocator's reserve. Processes that do not report it have no line.";
    chart(context, "heap", "Heap", gauge::HEAP, explanation)
}

fn chart(
    context: &ChartContext,
    name: &'static str,
    title: &'static str,
    gauge: &str,
    explanation: &str,
) -> Chart {
    let lines = SYSTEM_ROLES.map(|(group, role)| (group, gauges(context.window, role, gauge)));
    // The caption is about the nodes, which are the system under test.
    let [(_, nodes), ..] = &lines;
    let change = largest_change(context, nodes);
    Chart {
        name: name.into(),
        title: title.into(),
        about: join_sentences([change, Some(explanation.to_owned())]),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Bytes),
        series: context.steps.by_role(lines.into()),
        empty_text: None,
    }
}

/// Describes the node whose memory changed most over the steady phase.
fn largest_change(context: &ChartContext, lines: &[(String, Vec<Point>)]) -> Option<String> {
    let phases = &context.window.record.phases;
    let range = phases.range(PhaseWindow::Steady)?;
    let end = range.end.min(phases.end);
    let changes = lines.iter().filter_map(|(id, points)| {
        let mut steady = points.iter().filter(|(at, _)| range.contains(at));
        let (first, last) = (steady.next()?.1, steady.next_back()?.1);
        Some((id, first, last))
    });
    let change = |(_, first, last): &(_, f64, f64)| (last - first).abs();
    let (id, first, last) = changes.max_by(|a, b| change(a).total_cmp(&change(b)))?;
    let sign = if last >= first { "+" } else { "−" };
    Some(format!(
        "Over the {} of the steady phase, {id} changed most of the nodes: from {} to {} ({sign}{}).",
        format::seconds(end - range.start),
        format::size(first),
        format::size(last),
        format::size((last - first).abs())
    ))
}
