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

pub(super) fn chart(context: &ChartContext) -> Chart {
    let lines = growth_rates(
        context.window,
        SourceRole::Consumer,
        gauge::TELEMETRY_HANDLED,
    );
    Chart {
        name: "consumers".into(),
        title: "Readings handled by each consumer".into(),
        about: join_sentences([shares(context), first_idle_consumer(context, &lines)]),
        x: XAxis::Time,
        y: YAxis::linear(Unit::PerSecond),
        series: context.steps.by_role(vec![("consumers", lines)]),
        empty_text: None,
    }
}

/// How the work was spread.
fn shares(context: &ChartContext) -> Option<String> {
    let window = context.window;
    let range = window.range();
    let shares: Vec<String> = window
        .sources
        .with_role(SourceRole::Consumer)
        .filter_map(|(id, series)| {
            let handled = series.growth(gauge::TELEMETRY_HANDLED, range.clone())?;
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
fn first_idle_consumer(context: &ChartContext, lines: &NamedPoints) -> Option<String> {
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
    let step = context.steps.length_s;
    (at + step * QUIET_STEPS < end).then(|| {
        let when = context.describe_time(at - step / 2.0);
        format!("{id} handled its last {when}, while others went on.")
    })
}
