//! Processor use over time.

use highwater_scenarios::metrics::Unit;

use super::{
    chart::{Chart, Point, XAxis, YAxis},
    chart_context::{ChartContext, highest_point, join_sentences},
    series::cpu_cores_over_time,
};
use crate::record::SourceRole;

pub(super) fn chart(context: &ChartContext) -> Chart {
    let roles = [
        ("nodes", SourceRole::Node),
        ("broker", SourceRole::Broker),
        ("balancer", SourceRole::Balancer),
        ("consumers", SourceRole::Consumer),
        ("workers", SourceRole::Worker),
    ];
    let lines = roles.map(|(what, role)| (what, cpu_cores_over_time(context.window, role)));
    let busiest = busiest(context, lines.iter().flat_map(|(_, lines)| lines));
    let reading = "100 % is one core kept busy by one process.".to_owned();
    Chart {
        name: "cpu".into(),
        title: "Processor use".into(),
        about: join_sentences([busiest, Some(reading)]),
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
        "Busiest was {id} with {:.0} % of a core {}.{cores}",
        share * 100.0,
        context.describe_time(at - context.steps.length_s / 2.0)
    ))
}
