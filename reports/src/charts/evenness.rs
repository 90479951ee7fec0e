//! How evenly the sockets lay over the nodes, second by second.

use highwater_scenarios::metrics::Unit;

use super::{
    chart::{Chart, Colour, Point, Series, Stroke, XAxis, YAxis},
    chart_context::{ChartContext, highest_point, join_sentences},
};
use crate::{
    analysis::balance::spread::{EvennessSample, EvennessSeries},
    human::with_unit as display,
    record::SourceRole,
    summary::Evenness,
};

/// Over the mean by less than this, nothing is said to stand out.
const NOTABLE_RATIO: f64 = 1.01;

pub(super) fn chart(context: &ChartContext) -> Chart {
    // One node is always even.
    let alone = context
        .window
        .sources
        .with_role(SourceRole::Node)
        .nth(1)
        .is_none();
    let spreads = match alone {
        true => Vec::new(),
        false => before_the_drain(context),
    };
    let line = |label: &str, colour: usize, value: fn(&Evenness) -> f64| {
        let points = spreads
            .iter()
            .map(|spread| (spread.at_s, value(&spread.evenness)));
        Series::line(
            label,
            Colour::Series(colour),
            context.steps.mean_lines(points),
        )
    };
    Chart {
        name: "evenness".into(),
        title: "How evenly sockets lie over the nodes".into(),
        about: about(context, &spreads),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Ratio),
        series: vec![
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

/// While sockets close in order, the spread says nothing any more.
pub(super) fn before_the_drain(context: &ChartContext) -> Vec<EvennessSample> {
    let mut spreads = EvennessSeries::of(context.window).samples().to_vec();
    spreads.retain(|spread| spread.at_s <= context.window.end());
    spreads
}

fn about(context: &ChartContext, spreads: &[EvennessSample]) -> String {
    let steady: Vec<Point> = spreads
        .iter()
        .filter(|spread| context.is_steady(spread.at_s))
        .map(|spread| (spread.at_s, spread.evenness.max_over_mean))
        .collect();
    let ratio = |value| display(Unit::Ratio, value);
    let worst = highest_point(&steady).map(|(at, most)| match most >= NOTABLE_RATIO {
        true => format!(
            "In the steady phase the fullest node held at most {} times the mean, {}.",
            ratio(most),
            context.describe_time(at)
        ),
        false => "In the steady phase no node ever stood out.".to_owned(),
    });
    let last = spreads.last().map(|spread| {
        let Evenness {
            max_over_mean,
            min_over_mean,
            ..
        } = spread.evenness;
        format!(
            "Before the drain the fullest held {} times the mean, the emptiest {}.",
            ratio(max_over_mean),
            ratio(min_over_mean)
        )
    });
    let reading =
        "Over the nodes that are up; where all three lines are at 1, all have the same.".to_owned();
    join_sentences([worst, last, Some(reading)])
}
