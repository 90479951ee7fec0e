//! Every percentile of the response and service times.

use highwater_scenarios::plan::PhaseWindow;
use highwater_types::format;

use super::{
    chart::{Chart, Colour, Point, Series, Stroke, XAxis, YAxis},
    chart_context::ChartContext,
};
use crate::{
    histogram::LatencyHistogram,
    record::names::latency::{
        COMMAND_RESPONSE, COMMAND_SERVICE, EXCHANGE_RESPONSE, EXCHANGE_SERVICE, HEARTBEAT_RESPONSE,
        HEARTBEAT_SERVICE, MESSAGE_LATENCY, MESSAGE_SERVICE, TELEMETRY_RESPONSE, TELEMETRY_SERVICE,
    },
};

/// Number of points for each halving of the share above the percentile.
const POINTS_PER_HALVING: u32 = 8;

pub(super) fn chart(context: &ChartContext) -> Chart {
    let latencies = &context.window.record.latencies;
    let line = |label, colour, stroke, tag| {
        let histogram = latencies.window(tag, PhaseWindow::Steady);
        let points = histogram.map(percentile_points).into_iter().collect();
        Series::line(label, Colour::Series(colour), points).with_stroke(stroke)
    };
    Chart {
        name: "percentiles".into(),
        title: "Percentiles".into(),
        about: about(context),
        x: XAxis::Percentile,
        y: YAxis::times(),
        series: vec![
            line("heartbeat response", 0, Stroke::Solid, HEARTBEAT_RESPONSE),
            line("heartbeat service", 5, Stroke::Dashed, HEARTBEAT_SERVICE),
            line("command response", 1, Stroke::DashDot, COMMAND_RESPONSE),
            line("command service", 2, Stroke::Dotted, COMMAND_SERVICE),
            line("exchange response", 3, Stroke::DashDot, EXCHANGE_RESPONSE),
            line("exchange service", 7, Stroke::Dotted, EXCHANGE_SERVICE),
            line("message response", 3, Stroke::Solid, MESSAGE_LATENCY),
            line("message service", 7, Stroke::Dashed, MESSAGE_SERVICE),
            line("telemetry response", 4, Stroke::DashDot, TELEMETRY_RESPONSE),
            line("telemetry service", 6, Stroke::Dotted, TELEMETRY_SERVICE),
        ],
        empty_text: None,
    }
}

fn about(context: &ChartContext) -> String {
    let latencies = &context.window.record.latencies;
    let kinds = [
        ("heartbeat", HEARTBEAT_RESPONSE),
        ("command", COMMAND_RESPONSE),
        ("message of a device", EXCHANGE_RESPONSE),
        ("delivery", MESSAGE_LATENCY),
        ("telemetry record", TELEMETRY_RESPONSE),
    ];
    let slowest = kinds.into_iter().filter_map(|(noun, tag)| {
        let histogram = latencies.window(tag, PhaseWindow::Steady)?;
        let millis = |q| format::millis(histogram.value_at_quantile(q) as f64 / 1000.0);
        Some(format!(
            "One {noun} in a thousand took longer than {}; the slowest of {} took {}.",
            millis(0.999),
            format::count(histogram.len()),
            millis(1.0)
        ))
    });
    let explanation = "Each line shows the time within which a percentage of the steady phase's \
                       answers came. A flat line means that all answers took about as long.";
    let sentences: Vec<String> = slowest.chain([explanation.to_owned()]).collect();
    sentences.join(" ")
}

/// Returns the points up to the percentile that one single answer makes up.
fn percentile_points(histogram: &LatencyHistogram) -> Vec<Point> {
    // Of n answers, the slowest one is the percentile 1 − 1/n: log10(n) on this axis.
    let furthest = (histogram.len() as f64).log10();
    histogram
        .iter_quantiles(POINTS_PER_HALVING)
        .map(|step| {
            let above = 1.0 - step.quantile_iterated_to();
            // The maximum lies at 100 %, which is infinitely far on this axis.
            let x = if above > 0.0 {
                -above.log10()
            } else {
                furthest
            };
            (x.min(furthest), step.value_iterated_to() as f64 / 1000.0)
        })
        .collect()
}
