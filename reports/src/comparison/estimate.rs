//! Figures of a run with how much they scatter within it.
//!
//! A percentile's noise is that of the same percentile of the run's blocks of
//! time, their number reduced for what neighbours have in common (see
//! [`fit`](crate::analysis)); a fitted cost brings its interval along; counts
//! of failures scatter as Poisson's. Other figures have no noise that one run
//! could show, and their differences are never marked unless runs are repeated.

use std::collections::BTreeMap;

use highwater_scenarios::{
    metrics::{Metric, all},
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

/// A figure of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    pub(super) value: f64,
    /// Half of its 95 % interval; `None` where its noise is not known.
    pub(super) margin: Option<f64>,
}

/// Every figure of the catalogue that was measured, by its path.
pub(super) fn estimates(record: &RunRecord, summary: &Summary) -> BTreeMap<String, Estimate> {
    let figures = SummaryMetrics::of(summary);
    all()
        .filter_map(|figure| {
            let value = figures.get(&figure.path)?;
            let margin = margin(record, summary, &figure, value);
            Some((figure.path, Estimate { value, margin }))
        })
        .collect()
}

fn margin(record: &RunRecord, summary: &Summary, figure: &Metric, value: f64) -> Option<f64> {
    if let Some(name) = figure.path.strip_prefix("cost_per_socket.") {
        let fit = serde_json::to_value(&summary.cost_per_socket).ok()?;
        let fit = fit.get(name)?;
        return Some((fit.get("high")?.as_f64()? - fit.get("low")?.as_f64()?) / 2.0);
    }
    if figure.counts_failures() {
        return Some(Z * value.max(1.0).sqrt());
    }
    let (metric, part) = figure.path.rsplit_once('.')?;
    let (tag, window) = match metric {
        "sockets.connect" => (latency::CONNECT, PhaseWindow::Run),
        "sockets.reconnect" => (latency::RECONNECT, PhaseWindow::Run),
        tag => (tag, PhaseWindow::Steady),
    };
    let range = record.phases.range(window)?;
    let blocks = record.latencies.blocks(tag);
    let blocks = blocks.filter(|(at, _)| range.contains(at));
    let values: Option<Vec<f64>> = blocks.map(|(_, block)| block_value(&block, part)).collect();
    mean_margin(&values?)
}

/// In milliseconds; `None` for what a block's value says nothing about.
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
