//! What the charts of latencies over time have in common.

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

/// A step whose p99 is this many times that of the median step stands out.
const NOTABLE_RATIO: f64 = 3.0;
/// By less than this, in milliseconds, nothing stands out and nothing is apart.
const LEAST_MS: f64 = 0.25;

/// The two tags of a kind of action.
pub(super) struct LatencyTags {
    pub(super) response: &'static str,
    pub(super) service: &'static str,
    /// `ping`, `command`.
    pub(super) action: &'static str,
}

/// Median, 99th percentile and longest response time, and beside them the
/// service time's: what lies between is waiting.
pub(super) fn chart(
    scene: &ChartContext,
    name: &'static str,
    title: &'static str,
    timed: &LatencyTags,
) -> Chart {
    let line = |tag: &str, of: &dyn Fn(&LatencyHistogram) -> u64| {
        scene.steps.split_at_gaps(values(scene, tag, of))
    };
    let p99 = |block: &LatencyHistogram| block.value_at_quantile(0.99);
    let p50 = |block: &LatencyHistogram| block.value_at_quantile(0.5);
    let (response, service) = (timed.response, timed.service);
    Chart {
        name: name.into(),
        title: title.into(),
        about: about(scene, timed),
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

/// Milliseconds in each block.
fn values(scene: &ChartContext, tag: &str, of: &dyn Fn(&LatencyHistogram) -> u64) -> Vec<Point> {
    let blocks = scene.window.record.latencies.blocks(tag);
    blocks
        .map(|(at, block)| (at, of(&block) as f64 / 1000.0))
        .collect()
}

fn about(scene: &ChartContext, timed: &LatencyTags) -> String {
    let definition = format!(
        "Response time runs from when a {0} was due, service time from when it was sent.",
        timed.action
    );
    join_sentences([
        steady_trend(scene, timed),
        response_service_gap(scene, timed),
        Some(definition),
    ])
}

/// What the 99th percentile did in the steady phase.
fn steady_trend(scene: &ChartContext, timed: &LatencyTags) -> Option<String> {
    let p99 = |block: &LatencyHistogram| block.value_at_quantile(0.99);
    let steady: Vec<Point> = values(scene, timed.response, &p99)
        .into_iter()
        .filter(|&(at, _)| scene.is_steady(at))
        .collect();
    let usual = median(steady.iter().map(|&(_, y)| y).collect())?;
    let (at, peak) = highest_point(&steady)?;
    if peak < usual * NOTABLE_RATIO || peak - usual < LEAST_MS {
        return Some(format!(
            "Response p99 stayed level through the steady phase: {} in most steps, {} at most, {}.",
            format::millis(usual),
            format::millis(peak),
            scene.describe_time(at)
        ));
    }
    let service = values(scene, timed.service, &p99);
    let beside = service.iter().find(|(x, _)| *x == at).map(|&(_, y)| y);
    let cause = match beside {
        Some(service) if service * 2.0 >= peak => format!(
            "; service time rose with it to {}: the target was slow, not the harness",
            format::millis(service)
        ),
        Some(service) => format!(
            "; service time was {} meanwhile: the rest was waiting before anything was sent",
            format::millis(service)
        ),
        None => String::new(),
    };
    Some(format!(
        "Response p99 rose from {} to {} {}{cause}.",
        format::millis(usual),
        format::millis(peak),
        scene.describe_time(at)
    ))
}

/// What lies between response and service time at the median, and whose it is.
fn response_service_gap(scene: &ChartContext, timed: &LatencyTags) -> Option<String> {
    let latencies = &scene.window.record.latencies;
    let middle = |histogram: &LatencyHistogram| histogram.value_at_quantile(0.5) as f64 / 1000.0;
    let response = latencies
        .window(timed.response, PhaseWindow::Steady)
        .map(middle)?;
    let service = latencies
        .window(timed.service, PhaseWindow::Steady)
        .map(middle)?;
    let gap = response - service;
    if gap < LEAST_MS {
        return Some(
            "Response and service time agree at the median: nothing waited to be sent.".to_owned(),
        );
    }
    let lag = send_lag(latencies).map(|lag| middle(&lag));
    let whose = match lag {
        Some(lag) if (lag - gap).abs() <= gap / 3.0 => format!(
            "the harness's own send lag, {} at its median, explains it",
            format::millis(lag)
        ),
        Some(lag) => format!(
            "the harness's own send lag was {} at its median, the rest is waiting for a turn",
            format::millis(lag)
        ),
        None => "the harness's send lag was not measured".to_owned(),
    };
    Some(format!(
        "At the median response lies {} above service time: {whose}.",
        format::millis(gap)
    ))
}

/// Of all workers in the steady phase.
fn send_lag(latencies: &Latencies) -> Option<LatencyHistogram> {
    let tags = latencies.tags().filter(|tag| tag.starts_with(SEND_LAG));
    let mut all = latency_histogram();
    for histogram in tags.filter_map(|tag| latencies.window(tag, PhaseWindow::Steady)) {
        all.add(histogram).ok()?;
    }
    (!all.is_empty()).then_some(all)
}
