//! Metrics of a run with their noise within the run.
//!
//! The noise of a percentile is that of the same percentile of the run's blocks of time,
//! their number reduced for what neighbours have in common (see `analysis::fit`). A fitted
//! cost has its interval. Counts of failures scatter as a Poisson process does. One run
//! shows no noise of other metrics, so their differences are marked only for repeated runs.

use std::collections::BTreeMap;

use highwater_scenarios::{
    metrics::{Metric, all, own_metrics},
    plan::PhaseWindow,
};

use crate::{
    analysis::{fit::mean_margin, summary_metrics::SummaryMetrics},
    histogram::LatencyHistogram,
    record::{RunRecord, names::latency},
    summary::Summary,
};

/// The normal distribution's 97.5 % quantile.
const Z: f64 = 1.96;

/// The value of a metric in a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    pub(super) value: f64,
    /// Half of the 95 % interval; `None` where the noise is unknown.
    pub(super) margin: Option<f64>,
}

/// Returns every metric of the registry and every own metric of the target that was measured,
/// by its path.
pub(super) fn estimates(record: &RunRecord, summary: &Summary) -> BTreeMap<String, Estimate> {
    let metrics = SummaryMetrics::of(summary);
    all()
        .chain(own_metrics_of(summary))
        .filter_map(|metric| {
            let value = metrics.get(&metric.path)?;
            let margin = margin(record, &metrics, &metric, value);
            Some((metric.path, Estimate { value, margin }))
        })
        .collect()
}

/// Returns the target's own metrics of a run.
pub(super) fn own_metrics_of(summary: &Summary) -> impl Iterator<Item = Metric> {
    summary.observe.iter().flat_map(|(process, metrics)| {
        let names = metrics.keys();
        names.flat_map(move |name| own_metrics(process, name))
    })
}

fn margin(
    record: &RunRecord,
    metrics: &SummaryMetrics,
    metric: &Metric,
    value: f64,
) -> Option<f64> {
    if let Some(margin) = metrics.fit_margin(metric) {
        return Some(margin);
    }
    if metric.counts_failures {
        return Some(count_margin(value));
    }
    percentile_margin(record, metric)
}

/// Returns the margin of a count of failures, which scatters as a Poisson count does.
pub(super) fn count_margin(count: f64) -> f64 {
    // The variance of a Poisson count is the count; a count of 0 is as uncertain as 1.
    Z * count.max(1.0).sqrt()
}

/// Returns the margin of a percentile or a mean, from the values of the blocks of time.
fn percentile_margin(record: &RunRecord, metric: &Metric) -> Option<f64> {
    let (family, part) = metric.path.rsplit_once('.')?;
    let (tag, window) = match family {
        "sockets.connect" => (latency::CONNECT, PhaseWindow::Run),
        "sockets.reconnect" => (latency::RECONNECT, PhaseWindow::Run),
        // Paths of metrics and tags of the log have the same names.
        tag => (tag, PhaseWindow::Steady),
    };
    let range = record.phases.range(window)?;
    let blocks = record.latencies.blocks(tag);
    let blocks = blocks.filter(|(at, _)| range.contains(at));
    let values: Option<Vec<f64>> = blocks.map(|(_, block)| block_value(&block, part)).collect();
    mean_margin(&values?)
}

/// Returns a block's value in milliseconds; `None` for parts that a block cannot estimate,
/// such as the maximum.
fn block_value(block: &LatencyHistogram, part: &str) -> Option<f64> {
    let micros = match part {
        "mean" => block.mean(),
        "p50" => block.value_at_quantile(0.5) as f64,
        "p90" => block.value_at_quantile(0.9) as f64,
        "p99" => block.value_at_quantile(0.99) as f64,
        _ => return None,
    };
    Some(micros / 1000.0)
}
