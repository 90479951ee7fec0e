//! The common part of the charts of latencies over time.

use highwater_scenarios::plan::PhaseWindow;
use highwater_types::format;

use super::{
    chart::{Chart, Colour, Point, Series, Stroke, XAxis, YAxis},
    chart_context::{ChartContext, highest_point, join_sentences, median},
};
use crate::{
    histogram::{LatencyHistogram, latency_histogram},
    record::{Latencies, names::latency::SEND_LAG},
};

/// Ratio of a step's p99 to that of the median step from which the caption mentions it.
const NOTABLE_RATIO: f64 = 3.0;
/// Difference in milliseconds below which the caption mentions nothing.
const LEAST_MS: f64 = 0.25;

/// The two latency tags of a kind of action.
pub(super) struct LatencyTags {
    pub(super) response: &'static str,
    pub(super) service: &'static str,
    /// Noun of the action: `heartbeat`, `command`.
    pub(super) action: &'static str,
}

/// Returns the chart of response and service times. The difference between the two is the
/// time that actions waited to be sent.
pub(super) fn chart(
    context: &ChartContext,
    name: &'static str,
    title: &'static str,
    tags: &LatencyTags,
) -> Chart {
    let line = |tag: &str, of: &dyn Fn(&LatencyHistogram) -> u64| {
        context.steps.split_at_gaps(values(context, tag, of))
    };
    let p99 = |block: &LatencyHistogram| block.value_at_quantile(0.99);
    let p50 = |block: &LatencyHistogram| block.value_at_quantile(0.5);
    let (response, service) = (tags.response, tags.service);
    Chart {
        name: name.into(),
        title: title.into(),
        about: about(context, tags),
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

fn about(context: &ChartContext, tags: &LatencyTags) -> String {
    let definition = format!(
        "Response time runs from when a {} was due, service time from when it was sent.",
        tags.action
    );
    join_sentences([
        steady_trend(context, tags),
        response_service_gap(context, tags),
        Some(definition),
    ])
}

/// Describes the course of the response p99 in the steady phase.
fn steady_trend(context: &ChartContext, tags: &LatencyTags) -> Option<String> {
    let p99 = |block: &LatencyHistogram| block.value_at_quantile(0.99);
    let steady: Vec<Point> = values(context, tags.response, &p99)
        .into_iter()
        .filter(|&(at, _)| context.is_steady(at))
        .collect();
    // The median step is robust against the peak that it is compared with.
    let usual = median(steady.iter().map(|&(_, y)| y).collect())?;
    let (at, peak) = highest_point(&steady)?;
    if peak < usual * NOTABLE_RATIO || peak - usual < LEAST_MS {
        return Some(format!(
            "Response p99 stayed level in the steady phase: usually {}, at most {}, {}.",
            format::millis(usual),
            format::millis(peak),
            context.describe_time(at)
        ));
    }
    let service = values(context, tags.service, &p99);
    let meanwhile = service.iter().find(|(x, _)| *x == at).map(|&(_, y)| y);
    let cause = match meanwhile {
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
        format::millis(usual),
        format::millis(peak),
        context.describe_time(at)
    ))
}

/// Describes the gap between response and service time at the median, and its cause.
fn response_service_gap(context: &ChartContext, tags: &LatencyTags) -> Option<String> {
    let latencies = &context.window.record.latencies;
    let median_of = |histogram: &LatencyHistogram| histogram.value_at_quantile(0.5) as f64 / 1000.0;
    let steady = |tag| latencies.window(tag, PhaseWindow::Steady).map(median_of);
    let gap = steady(tags.response)? - steady(tags.service)?;
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
    let tags = latencies.tags().filter(|tag| tag.starts_with(SEND_LAG));
    let mut all = latency_histogram();
    for histogram in tags.filter_map(|tag| latencies.window(tag, PhaseWindow::Steady)) {
        all.add(histogram).ok()?;
    }
    (!all.is_empty()).then_some(all)
}
