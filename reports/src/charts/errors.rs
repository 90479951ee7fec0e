//! What went wrong, per second and by kind.

use highwater_scenarios::metrics::Unit;

use super::{
    chart::{Chart, Colour, Series, Spacing, Stroke, XAxis, YAxis},
    chart_context::{Scene, highest},
    theme::SERIES,
};
use crate::{
    analysis::failures::{Failure, failures},
    human,
};

/// A peak this many times lower than another lies on the axis.
const UNSEEN: f64 = 30.0;

pub(super) fn chart(scene: &Scene) -> Chart {
    let mut failures = failures(scene.cut);
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
    let series: Vec<Series> = failures
        .iter()
        .take(SERIES)
        .enumerate()
        .map(|(index, Failure { counter, .. })| {
            let rate = scene.steps.rate(scene.cut, |line| line.counter(counter));
            Series::line(counter.as_str(), Colour::Series(index), rate).broken(Stroke::of(index))
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
            reach: 0.0,
        },
        series,
        when_empty: Some("Nothing failed."),
    }
}

/// By powers of ten when a rare kind would not be seen beside a frequent one.
fn spacing(series: &[Series]) -> Spacing {
    let peaks = series.iter().filter_map(|series| highest(&series.points()));
    let peaks: Vec<f64> = peaks.map(|(_, rate)| rate).collect();
    let most = peaks.iter().copied().fold(0.0, f64::max);
    let least = peaks.iter().copied().fold(f64::INFINITY, f64::min);
    match most > least * UNSEEN {
        true => Spacing::Logarithmic,
        false => Spacing::Linear,
    }
}

fn about(scene: &Scene, failures: &[Failure], worst: Option<&Series>) -> String {
    const KINDS: &str = "failed connects, sockets that ended, late or missed heartbeats, commands \
                         without their reply, messages that did not come once and in order, \
                         readings refused";
    let (Some(first), Some(worst)) = (failures.first(), worst) else {
        return format!("Nothing of what would be counted here happened: {KINDS}.");
    };
    let peak = highest(&worst.points()).map_or_else(String::new, |(at, rate)| {
        format!(
            ", at most {}/s {}",
            human::significant(rate),
            scene.when(at)
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
