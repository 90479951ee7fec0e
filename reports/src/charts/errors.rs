//! Failures per second, by kind.

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use super::{
    chart::{Chart, Colour, Series, Spacing, Stroke, XAxis, YAxis},
    chart_context::{ChartContext, highest_point},
    theme::SERIES,
};
use crate::analysis::{failures::failures, summary::FailureSummary};

/// Ratio of two peaks from which a linear axis would hide the lower one.
const LOG_SCALE_RATIO: f64 = 30.0;

pub(super) fn chart(context: &ChartContext) -> Chart {
    // The most frequent kinds get a line; the colours do not suffice for all.
    let failures = failures(context.window);
    let series: Vec<Series> = failures
        .iter()
        .take(SERIES)
        .enumerate()
        .map(|(index, FailureSummary { kind, .. })| {
            let rate = context.steps.rate(context.window, |row| row.counter(kind));
            Series::line(kind.as_str(), Colour::Series(index), rate).with_stroke(Stroke::of(index))
        })
        .collect();
    Chart {
        name: "errors".into(),
        title: "Failures by kind".into(),
        about: about(context, &failures, series.first()),
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

/// Chooses powers of ten when a frequent kind would hide a rare one.
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

fn about(context: &ChartContext, failures: &[FailureSummary], worst: Option<&Series>) -> String {
    const KINDS: &str = "failed connects, lost sockets, late and missed heartbeats, commands \
                         without a reply, messages of devices without an answer, messages not delivered once and in order, and rejected \
                         telemetry";
    let (Some(first), Some(worst)) = (failures.first(), worst) else {
        return format!("No failure was counted. This chart counts {KINDS}.");
    };
    let peak = highest_point(&worst.points()).map_or_else(String::new, |(at, rate)| {
        format!(
            ", at most {}/s {}",
            format::significant(rate),
            context.describe_time(at)
        )
    });
    let others = match failures.len().saturating_sub(SERIES) {
        0 => String::new(),
        left => format!(" {left} rarer kinds are in the table of failures only."),
    };
    format!(
        "Most frequent: {}, {} times{peak}.{others} This chart counts {KINDS}.",
        first.kind,
        format::count(first.count)
    )
}
