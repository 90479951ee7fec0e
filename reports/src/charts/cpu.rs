//! Processor use over time.

use highwater_scenarios::metrics::Unit;

use super::{
    chart::{Chart, Point, XAxis, YAxis},
    chart_context::{Scene, highest, sentences},
    series::processor_shares,
};
use crate::record::Role;

pub(super) fn chart(scene: &Scene) -> Chart {
    let roles = [
        ("nodes", Role::Node),
        ("broker", Role::Broker),
        ("balancer", Role::Balancer),
        ("consumers", Role::Consumer),
        ("workers", Role::Worker),
    ];
    let lines = roles.map(|(what, role)| (what, processor_shares(scene.cut, role)));
    let busiest = busiest(scene, lines.iter().flat_map(|(_, lines)| lines));
    let reading = "100 % is one core kept busy by one process.".to_owned();
    Chart {
        name: "cpu".into(),
        title: "Processor use".into(),
        about: sentences([busiest, Some(reading)]),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Share),
        series: scene.steps.by_role(lines.into()),
        when_empty: None,
    }
}

fn busiest<'a>(
    scene: &Scene,
    lines: impl Iterator<Item = &'a (String, Vec<Point>)>,
) -> Option<String> {
    let peaks = lines.filter_map(|(id, points)| Some((id, highest(points)?)));
    let (id, (at, share)) = peaks.max_by(|(_, a), (_, b)| a.1.total_cmp(&b.1))?;
    let cores = match scene.cut.record.manifest.host.cpus {
        Some(1) => " The load's host has one core.".to_owned(),
        Some(cores) => format!(" The load's host has {cores} cores."),
        None => String::new(),
    };
    Some(format!(
        "Busiest was {id} with {:.0} % of a core {}.{cores}",
        share * 100.0,
        scene.when(at - scene.steps.length_s / 2.0)
    ))
}
