//! Open files over time, by process.

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use super::{
    chart::{Chart, Point, XAxis, YAxis},
    chart_context::{ChartContext, highest_point, join_sentences},
    series::{PROCESS_ROLES, gauges},
};
use crate::record::names::gauge;

pub(super) fn chart(context: &ChartContext) -> Chart {
    let lines =
        PROCESS_ROLES.map(|(group, role)| (group, gauges(context.window, role, gauge::OPEN_FILES)));
    let most = largest_count(context, lines.iter().flat_map(|(_, lines)| lines));
    let explanation = "Each socket is an open file of the process at each of its ends.".to_owned();
    Chart {
        name: "open-files".into(),
        title: "Open files".into(),
        about: join_sentences([most, Some(explanation)]),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Count),
        series: context.steps.by_role(lines.into()),
        empty_text: None,
    }
}

fn largest_count<'a>(
    context: &ChartContext,
    lines: impl Iterator<Item = &'a (String, Vec<Point>)>,
) -> Option<String> {
    let peaks = lines.filter_map(|(id, points)| Some((id, highest_point(points)?.1)));
    let (id, files) = peaks.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    // The limit is that of the load's host; a target on another host may have another one.
    let limit = match context.window.record.manifest.host.open_files_limit {
        Some(limit) => format!(
            ", {:.0} % of the {} that a process may open on the load's host",
            files * 100.0 / limit as f64,
            format::count(limit)
        ),
        None => String::new(),
    };
    let files = format::count(files as u64);
    Some(format!("{id} had the most open files, {files}{limit}."))
}
