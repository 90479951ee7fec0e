//! Who handled how many readings.

use highwater_scenarios::metrics::Unit;

use super::{
    chart::{Chart, Point, XAxis, YAxis},
    chart_context::{ChartContext, join_sentences},
    series::{NamedPoints, growth_rates},
};
use crate::{
    human,
    record::{SourceRole, names::gauge},
};

/// A consumer has ended when the others go on for more than so many steps.
const QUIET_STEPS: f64 = 5.0;

pub(super) fn chart(scene: &ChartContext) -> Chart {
    let lines = growth_rates(scene.window, SourceRole::Consumer, gauge::TELEMETRY_HANDLED);
    Chart {
        name: "consumers".into(),
        title: "Telemetry records handled by each consumer".into(),
        about: join_sentences([shares(scene), first_idle_consumer(scene, &lines)]),
        x: XAxis::Time,
        y: YAxis::linear(Unit::PerSecond),
        series: scene.steps.by_role(vec![("consumers", lines)]),
        empty_text: None,
    }
}

/// How the work was spread.
fn shares(scene: &ChartContext) -> Option<String> {
    let cut = scene.window;
    let range = cut.range();
    let shares: Vec<String> = cut
        .series
        .with_role(SourceRole::Consumer)
        .filter_map(|(id, track)| {
            let handled = track.growth(gauge::TELEMETRY_HANDLED, range.clone())?;
            Some(format!("{id} {}", human::count(handled as u64)))
        })
        .collect();
    (!shares.is_empty()).then(|| {
        format!(
            "Sampled once a second, each consumer was seen to handle: {}. The table counts what they wrote down.",
            shares.join(", ")
        )
    })
}

/// A consumer whose line ends while others go on.
fn first_idle_consumer(scene: &ChartContext, lines: &NamedPoints) -> Option<String> {
    let last = |points: &Vec<Point>| points.iter().rev().find(|(_, y)| *y > 0.0).map(|p| p.0);
    let end = lines
        .iter()
        .filter_map(|(_, points)| last(points))
        .fold(0.0, f64::max);
    let first = lines
        .iter()
        .filter_map(|(id, points)| Some((id, last(points)?)))
        .min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let (id, at) = first;
    let step = scene.steps.length_s;
    (at + step * QUIET_STEPS < end).then(|| {
        let when = scene.describe_time(at - step / 2.0);
        format!("{id} handled its last {when}, while others went on.")
    })
}
