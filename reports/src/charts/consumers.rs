//! Telemetry records that each consumer handled per second.

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use super::{
    chart::{Chart, Point, XAxis, YAxis},
    chart_context::{ChartContext, join_sentences},
    series::{NamedPoints, growth_rates},
};
use crate::record::{SourceRole, names::gauge};

/// Number of steps without a record after which a consumer counts as idle, while others
/// work.
const IDLE_STEPS: f64 = 5.0;

pub(super) fn chart(context: &ChartContext) -> Chart {
    let window = context.window;
    let lines = growth_rates(window, SourceRole::Consumer, gauge::TELEMETRY_HANDLED);
    Chart {
        name: "consumers".into(),
        title: "Telemetry records handled by each consumer".into(),
        about: join_sentences([shares(context), first_idle_consumer(context, &lines)]),
        x: XAxis::Time,
        y: YAxis::linear(Unit::PerSecond),
        series: context.steps.by_role(vec![("consumers", lines)]),
        empty_text: None,
    }
}

/// Describes how the work was spread.
fn shares(context: &ChartContext) -> Option<String> {
    let window = context.window;
    let consumers = window.sources.with_role(SourceRole::Consumer);
    let shares: Vec<String> = consumers
        .filter_map(|(id, series)| {
            let handled = series.growth(gauge::TELEMETRY_HANDLED, window.range())?;
            Some(format!("{id} {}", format::count(handled as u64)))
        })
        .collect();
    (!shares.is_empty()).then(|| {
        format!(
            "Records handled by each consumer, by samples once a second: {}. The table has the \
             counts of their journals.",
            shares.join(", ")
        )
    })
}

/// Describes the first consumer that stopped while others went on.
fn first_idle_consumer(context: &ChartContext, lines: &NamedPoints) -> Option<String> {
    let last = |points: &Vec<Point>| points.iter().rev().find(|(_, y)| *y > 0.0).map(|p| p.0);
    // A consumer's line goes on with zeros, so its last record is the last value above 0.
    let ends = lines
        .iter()
        .filter_map(|(id, points)| Some((id, last(points)?)));
    let end = ends.clone().map(|(_, at)| at).fold(0.0, f64::max);
    let (id, at) = ends.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let step = context.steps.length_s;
    (at + step * IDLE_STEPS < end).then(|| {
        let when = context.describe_time(at - step / 2.0);
        format!("{id} handled its last record {when}, while others went on.")
    })
}
