//! The charts of latencies over time, one for each kind of action.

use highwater_scenarios::plan::PhaseWindow;
use highwater_types::format;

use super::{
    chart::{Chart, Colour, Point, Series, Stroke, XAxis, YAxis},
    chart_context::{ChartContext, highest_point, join_sentences, median},
};
use crate::{
    histogram::{LatencyHistogram, latency_histogram},
    record::{Latencies, names::latency},
};

/// Ratio of a step's p99 to that of the median step from which the caption mentions it.
const NOTABLE_RATIO: f64 = 3.0;
/// Difference in milliseconds below which the caption mentions nothing.
const LEAST_MS: f64 = 0.25;

/// A kind of action with its two latency tags.
pub(super) struct TimedAction {
    /// Stem of the chart's file.
    name: &'static str,
    title: &'static str,
    /// Noun of the action: `heartbeat`, `command`.
    noun: &'static str,
    response: &'static str,
    service: &'static str,
}

pub(super) const HEARTBEATS: TimedAction = TimedAction {
    name: "heartbeat-latency",
    title: "Heartbeat latency",
    noun: "heartbeat",
    response: latency::HEARTBEAT_RESPONSE,
    service: latency::HEARTBEAT_SERVICE,
};
pub(super) const COMMANDS: TimedAction = TimedAction {
    name: "command-latency",
    title: "Command latency",
    noun: "command",
    response: latency::COMMAND_RESPONSE,
    service: latency::COMMAND_SERVICE,
};
pub(super) const EXCHANGES: TimedAction = TimedAction {
    name: "exchange-latency",
    title: "Latency of devices' messages, up to their answers",
    noun: "message",
    response: latency::EXCHANGE_RESPONSE,
    service: latency::EXCHANGE_SERVICE,
};
pub(super) const MESSAGES: TimedAction = TimedAction {
    name: "message-latency",
    title: "Message latency",
    noun: "message",
    // A message has no response; its latency runs from when it was due as well.
    response: latency::MESSAGE_LATENCY,
    service: latency::MESSAGE_SERVICE,
};
pub(super) const TELEMETRY: TimedAction = TimedAction {
    name: "telemetry-latency",
    title: "Telemetry latency, up to its acceptance",
    noun: "telemetry record",
    response: latency::TELEMETRY_RESPONSE,
    service: latency::TELEMETRY_SERVICE,
};

/// Returns the chart of response and service times. The difference between the two is the
/// time that actions waited to be sent.
pub(super) fn chart(context: &ChartContext, action: &TimedAction) -> Chart {
    let line = |tag: &str, of: &dyn Fn(&LatencyHistogram) -> u64| {
        context.steps.split_at_gaps(values(context, tag, of))
    };
    let p99 = |block: &LatencyHistogram| block.value_at_quantile(0.99);
    let p50 = |block: &LatencyHistogram| block.value_at_quantile(0.5);
    let (response, service) = (action.response, action.service);
    Chart {
        name: action.name.into(),
        title: action.title.into(),
        about: about(context, action),
        x: XAxis::Time,
        y: YAxis::times(),
        series: vec![
            Series::line(
                "response max",
                Colour::Series(7),
                line(response, &|block| block.max()),
            )
            .with_stroke(Stroke::Dotted),
            Series::line("response p99", Colour::Series(1), line(response, &p99)),
            Series::line("response p50", Colour::Series(0), line(response, &p50)),
            Series::line("service p99", Colour::Series(2), line(service, &p99))
                .with_stroke(Stroke::Dashed),
            Series::line("service p50", Colour::Series(5), line(service, &p50))
                .with_stroke(Stroke::DashDot),
        ],
        empty_text: None,
    }
}

/// Returns one value in milliseconds for each block of time.
fn values(context: &ChartContext, tag: &str, of: &dyn Fn(&LatencyHistogram) -> u64) -> Vec<Point> {
    let blocks = context.window.record.latencies.blocks(tag);
    blocks
        .map(|(at, block)| (at, of(&block) as f64 / 1000.0))
        .collect()
}

fn about(context: &ChartContext, action: &TimedAction) -> String {
    let definition = format!(
        "Response time runs from when a {} was due, service time from when it was sent.",
        action.noun
    );
    join_sentences([
        steady_trend(context, action),
        response_service_gap(context, action),
        Some(definition),
    ])
}

/// Describes the course of the response p99 in the steady phase.
fn steady_trend(context: &ChartContext, action: &TimedAction) -> Option<String> {
    let p99 = |block: &LatencyHistogram| block.value_at_quantile(0.99);
    let steady: Vec<Point> = values(context, action.response, &p99)
        .into_iter()
        .filter(|&(at, _)| context.is_steady(at))
        .collect();
    // The median step is robust against the peak that it is compared with.
    let typical = median(steady.iter().map(|&(_, y)| y).collect())?;
    let (at, peak) = highest_point(&steady)?;
    if peak < typical * NOTABLE_RATIO || peak - typical < LEAST_MS {
        return Some(format!(
            "Response p99 stayed level in the steady phase: usually {}, at most {}, {}.",
            format::millis(typical),
            format::millis(peak),
            context.describe_time(at)
        ));
    }
    let service = values(context, action.service, &p99);
    let at_peak = service.iter().find(|(x, _)| *x == at).map(|&(_, y)| y);
    let cause = match at_peak {
        // Service time excludes the wait for the worker, so its rise is the target's.
        Some(service) if service * 2.0 >= peak => format!(
            "; service time rose with it to {}, so the target was slow, not the harness",
            format::millis(service)
        ),
        Some(service) => format!(
            "; service time was {} meanwhile, so the rest of the time passed before anything \
             was sent",
            format::millis(service)
        ),
        None => String::new(),
    };
    Some(format!(
        "Response p99 rose from {} to {} {}{cause}.",
        format::millis(typical),
        format::millis(peak),
        context.describe_time(at)
    ))
}

/// Describes the gap between response and service time at the median, and its cause.
fn response_service_gap(context: &ChartContext, action: &TimedAction) -> Option<String> {
    let latencies = &context.window.record.latencies;
    let median_of = |histogram: &LatencyHistogram| histogram.value_at_quantile(0.5) as f64 / 1000.0;
    let steady = |tag| latencies.window(tag, PhaseWindow::Steady).map(median_of);
    let gap = steady(action.response)? - steady(action.service)?;
    // A smaller gap is within the noise of the timers.
    if gap < LEAST_MS {
        return Some(
            "Response and service time agree at the median: nothing waited to be sent.".to_owned(),
        );
    }
    let cause = match send_lag(latencies).map(|lag| median_of(&lag)) {
        // Both are medians of different histograms, so they agree only roughly.
        Some(lag) if (lag - gap).abs() <= gap / 3.0 => format!(
            "the harness's own send lag explains it, with a median of {}",
            format::millis(lag)
        ),
        Some(lag) => format!(
            "the harness's own send lag has a median of {}, and in the rest of the time actions \
             waited for earlier ones",
            format::millis(lag)
        ),
        None => "the harness's send lag was not measured".to_owned(),
    };
    Some(format!(
        "At the median, response time is {} longer than service time: {cause}.",
        format::millis(gap)
    ))
}

/// Merges the send lag of all workers in the steady phase.
fn send_lag(latencies: &Latencies) -> Option<LatencyHistogram> {
    let tags = latencies.tags();
    let tags = tags.filter(|tag| tag.starts_with(latency::SEND_LAG));
    let mut all = latency_histogram();
    for histogram in tags.filter_map(|tag| latencies.window(tag, PhaseWindow::Steady)) {
        all.add(histogram).ok()?;
    }
    (!all.is_empty()).then_some(all)
}
