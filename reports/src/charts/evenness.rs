//! The evenness of the sockets over the nodes, second by second.

use highwater_scenarios::metrics::Unit;

use super::{
    chart::{Chart, Colour, Point, Series, Stroke, XAxis, YAxis},
    chart_context::{ChartContext, highest_point, join_sentences},
};
use crate::{
    analysis::balance::{
        Evenness,
        spread::{EvennessSample, EvennessSeries},
    },
    record::SourceRole,
    unit_format,
};

/// Sockets of the fullest node over the mean from which the caption mentions a peak.
const NOTABLE_RATIO: f64 = 1.01;

pub(super) fn chart(context: &ChartContext) -> Chart {
    let nodes = context.window.sources.with_role(SourceRole::Node);
    // One node is always even, so its chart would say nothing.
    let samples = match nodes.count() {
        0 | 1 => Vec::new(),
        _ => before_the_drain(context),
    };
    let line = |label: &str, colour: usize, value: fn(&Evenness) -> f64| {
        let points = samples
            .iter()
            .map(|sample| (sample.at_s, value(&sample.evenness)));
        let lines = context.steps.mean_lines(points);
        Series::line(label, Colour::Series(colour), lines)
    };
    Chart {
        name: "evenness".into(),
        title: "Evenness of sockets over the nodes".into(),
        about: about(context, &samples),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Ratio),
        series: vec![
            // The later series lie on top: the fullest node matters most.
            line("Jain's index", 2, |evenness| evenness.jain).with_stroke(Stroke::Dashed),
            line("emptiest over the mean", 1, |evenness| {
                evenness.min_over_mean
            }),
            line("fullest over the mean", 0, |evenness| {
                evenness.max_over_mean
            }),
        ],
        empty_text: None,
    }
}

/// Returns the evenness up to the drain: while sockets close in order, it has no meaning.
pub(super) fn before_the_drain(context: &ChartContext) -> Vec<EvennessSample> {
    let mut samples = EvennessSeries::of(context.window).samples().to_vec();
    samples.retain(|sample| sample.at_s <= context.window.end());
    samples
}

fn about(context: &ChartContext, samples: &[EvennessSample]) -> String {
    let steady: Vec<Point> = samples
        .iter()
        .filter(|sample| context.is_steady(sample.at_s))
        .map(|sample| (sample.at_s, sample.evenness.max_over_mean))
        .collect();
    let ratio = |value| unit_format::with_unit(Unit::Ratio, value);
    let worst = highest_point(&steady).map(|(at, most)| match most >= NOTABLE_RATIO {
        true => format!(
            "In the steady phase the fullest node held at most {} times the mean, {}.",
            ratio(most),
            context.describe_time(at)
        ),
        false => "In the steady phase the sockets were even all the time.".to_owned(),
    });
    let last = samples.last().map(|sample| {
        format!(
            "Before the drain the fullest node held {} times the mean, the emptiest {} times.",
            ratio(sample.evenness.max_over_mean),
            ratio(sample.evenness.min_over_mean)
        )
    });
    let explanation = "Only nodes that are up count. Where all three lines are at 1, all nodes \
                       hold the same number of sockets.";
    join_sentences([worst, last, Some(explanation.to_owned())])
}
