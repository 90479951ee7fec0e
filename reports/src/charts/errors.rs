//! What went wrong, per second and by kind.

use highwater_scenarios::metrics::Unit;

use super::{
    chart::{Chart, Colour, Series, Spacing, Stroke, XAxis, YAxis},
    chart_context::{ChartContext, highest_point},
    theme::SERIES,
};
use crate::{
    analysis::failures::{FailureCount, failures},
    human,
};

/// A peak this many times lower than another lies on the axis.
const LOG_SCALE_RATIO: f64 = 30.0;

pub(super) fn chart(scene: &ChartContext) -> Chart {
    let mut failures = failures(scene.window);
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
    let series: Vec<Series> = failures
        .iter()
        .take(SERIES)
        .enumerate()
        .map(|(index, FailureCount { counter, .. })| {
            let rate = scene.steps.rate(scene.window, |line| line.counter(counter));
            Series::line(counter.as_str(), Colour::Series(index), rate)
                .with_stroke(Stroke::of(index))
        })
        .collect();
    Chart {
        name: "errors".into(),
        title: "Failures by kind".into(),
        about: about(scene, &failures, series.first()),
        x: XAxis::Time,
        y: YAxis {
            unit: Unit::PerSecond,
            spacing: spacing(&series),
            at_least: 0.0,
        },
        series,
        empty_text: Some("Nothing failed."),
    }
}

/// By powers of ten when a rare kind would not be seen beside a frequent one.
fn spacing(series: &[Series]) -> Spacing {
    let peaks = series
        .iter()
        .filter_map(|series| highest_point(&series.points()));
    let peaks: Vec<f64> = peaks.map(|(_, rate)| rate).collect();
    let most = peaks.iter().copied().fold(0.0, f64::max);
    let least = peaks.iter().copied().fold(f64::INFINITY, f64::min);
    match most > least * LOG_SCALE_RATIO {
        true => Spacing::Logarithmic,
        false => Spacing::Linear,
    }
}

fn about(scene: &ChartContext, failures: &[FailureCount], worst: Option<&Series>) -> String {
    const KINDS: &str = "failed connects, sockets that ended, late or missed heartbeats, commands \
                         without their reply, messages that did not come once and in order, \
                         rejected telemetry";
    let (Some(first), Some(worst)) = (failures.first(), worst) else {
        return format!("Nothing of what would be counted here happened: {KINDS}.");
    };
    let peak = highest_point(&worst.points()).map_or_else(String::new, |(at, rate)| {
        format!(
            ", at most {}/s {}",
            human::significant(rate),
            scene.describe_time(at)
        )
    });
    let others = match failures.len().saturating_sub(SERIES) {
        0 => String::new(),
        left => format!(" {left} rarer kinds are in the table of failures only."),
    };
    format!(
        "Most often {}: {} times{peak}.{others} Counted are {KINDS}.",
        first.counter,
        human::count(first.count)
    )
}
