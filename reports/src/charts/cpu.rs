//! CPU cores in use over time, by process.

use highwater_scenarios::metrics::Unit;

use super::{
    chart::{Chart, Point, XAxis, YAxis},
    chart_context::{ChartContext, highest_point, join_sentences},
    series::{PROCESS_ROLES, growth_rates},
};
use crate::record::names::gauge;

pub(super) fn chart(context: &ChartContext) -> Chart {
    let lines =
        PROCESS_ROLES.map(|(group, role)| (group, growth_rates(context.window, role, gauge::CPU)));
    let busiest = busiest(context, lines.iter().flat_map(|(_, lines)| lines));
    let explanation = "100 % is one core in use by one process.".to_owned();
    Chart {
        name: "cpu".into(),
        title: "CPU cores in use".into(),
        about: join_sentences([busiest, Some(explanation)]),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Share),
        series: context.steps.by_role(lines.into()),
        empty_text: None,
    }
}

fn busiest<'a>(
    context: &ChartContext,
    lines: impl Iterator<Item = &'a (String, Vec<Point>)>,
) -> Option<String> {
    let peaks = lines.filter_map(|(id, points)| Some((id, highest_point(points)?)));
    let (id, (at, share)) = peaks.max_by(|(_, a), (_, b)| a.1.total_cmp(&b.1))?;
    let cores = match context.window.record.manifest.host.cpus {
        Some(1) => " The load's host has one core.".to_owned(),
        Some(cores) => format!(" The load's host has {cores} cores."),
        None => String::new(),
    };
    Some(format!(
        "The busiest process was {id} with {:.0} % of a core {}.{cores}",
        share * 100.0,
        // A rate's point lies at the end of its sample, not in the middle of a step.
        context.describe_time(at - context.steps.length_s / 2.0)
    ))
}
