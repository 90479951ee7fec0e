//! The whole distribution at once: every percentile.

use highwater_scenarios::plan::Window;

use super::chart::{Chart, Colour, Point, Series, XAxis, YAxis};
use crate::{
    analysis::cut::Cut,
    histogram::LatencyHistogram,
    record::names::latency::{
        COMMAND_RESPONSE, COMMAND_SERVICE, HEARTBEAT_RESPONSE, HEARTBEAT_SERVICE,
    },
};

/// Points for each halving of what is left above the percentile.
const TICKS_PER_HALF: u32 = 8;

pub(super) fn chart(cut: &Cut) -> Chart {
    let line = |tag| {
        let histogram = cut.record.latencies.window(tag, Window::Steady);
        histogram
            .map(|histogram| vec![spectrum(histogram)])
            .unwrap_or_default()
    };
    let series = vec![
        Series::line(
            "heartbeat response",
            Colour::Series(0),
            line(HEARTBEAT_RESPONSE),
        ),
        Series::dashed(
            "heartbeat service",
            Colour::Series(0),
            line(HEARTBEAT_SERVICE),
        ),
        Series::line(
            "command response",
            Colour::Series(1),
            line(COMMAND_RESPONSE),
        ),
        Series::dashed("command service", Colour::Series(1), line(COMMAND_SERVICE)),
    ];
    Chart {
        name: "spectrum",
        title: "Percentile spectrum",
        about: "Time within which each percentage of the steady phase's answers came.".to_owned(),
        x: XAxis::Percentile,
        y: YAxis::times(),
        series,
    }
}

/// To the percentile that one single answer makes up.
fn spectrum(histogram: &LatencyHistogram) -> Vec<Point> {
    let furthest = (histogram.len() as f64).log10();
    histogram
        .iter_quantiles(TICKS_PER_HALF)
        .map(|step| {
            let above = 1.0 - step.quantile_iterated_to();
            let x = if above > 0.0 {
                -above.log10()
            } else {
                furthest
            };
            (x.min(furthest), step.value_iterated_to() as f64 / 1000.0)
        })
        .collect()
}
