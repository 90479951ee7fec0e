//! Open files over time.

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use super::{
    chart::{Chart, Point, XAxis, YAxis},
    chart_context::{ChartContext, highest_point, join_sentences},
    series::gauges,
};
use crate::record::{SourceRole, names::gauge};

pub(super) fn chart(scene: &ChartContext) -> Chart {
    let roles = [
        ("nodes", SourceRole::Node),
        ("broker", SourceRole::Broker),
        ("balancer", SourceRole::Balancer),
        ("consumers", SourceRole::Consumer),
        ("workers", SourceRole::Worker),
    ];
    let lines = roles.map(|(what, role)| (what, gauges(scene.window, role, gauge::OPEN_FILES)));
    let most = largest_count(scene, lines.iter().flat_map(|(_, lines)| lines));
    let reading = "Each socket is a file of the process at either of its ends.".to_owned();
    Chart {
        name: "open-files".into(),
        title: "Open files".into(),
        about: join_sentences([most, Some(reading)]),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Count),
        series: scene.steps.by_role(lines.into()),
        empty_text: None,
    }
}

fn largest_count<'a>(
    scene: &ChartContext,
    lines: impl Iterator<Item = &'a (String, Vec<Point>)>,
) -> Option<String> {
    let peaks = lines.filter_map(|(id, points)| Some((id, highest_point(points)?.1)));
    let (id, files) = peaks.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let limit = match scene.window.record.manifest.host.open_files_limit {
        Some(limit) => format!(
            ", {:.0} % of the {} that a process may open on the load's host",
            files * 100.0 / limit as f64,
            format::count(limit)
        ),
        None => String::new(),
    };
    let files = format::count(files as u64);
    Some(format!("Most had {id} with {files}{limit}."))
}
