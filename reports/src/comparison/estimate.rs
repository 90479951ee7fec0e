//! Figures of a run with how much they scatter within it.
//!
//! A percentile's noise is that of the same percentile of the run's blocks of
//! time, their number reduced for what neighbours have in common (see
//! [`fit`](crate::analysis)); a fitted cost brings its interval along; counts
//! of failures scatter as Poisson's. Other figures have no noise that one run
//! could show, and their differences are never marked.

use highwater_scenarios::{
    figures::{Figure, Unit, all},
    plan::Window,
};

use crate::{
    analysis::{analyse, fit::mean_margin},
    figure::Figures,
    histogram::LatencyHistogram,
    record::{RunRecord, names::latency},
    summary::Summary,
};

/// The normal distribution's 97.5 % quantile.
const Z: f64 = 1.96;
/// A difference below this part of the figure is nothing, however quiet both
/// runs were: one run does not show what differs from run to run.
const LEAST_CHANGE: f64 = 0.05;

/// A figure of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    pub(super) value: f64,
    /// Half of its 95 % interval; `None` where its noise is not known.
    margin: Option<f64>,
}

/// A figure that was measured in one run at least.
#[derive(Debug, Clone)]
pub(super) struct Compared {
    pub(super) figure: Figure,
    /// In the order of the runs.
    pub(super) estimates: Vec<Option<Estimate>>,
}

/// How a figure changed beyond its noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Better,
    Worse,
    /// Different, and neither good nor bad by itself.
    Other,
}

/// Every figure of the catalogue over all runs.
pub(super) fn compared(records: &[&RunRecord]) -> Vec<Compared> {
    let runs: Vec<(&RunRecord, Summary)> = records
        .iter()
        .map(|record| (*record, analyse(record)))
        .collect();
    let runs: Vec<_> = runs
        .iter()
        .map(|(record, summary)| (*record, summary, Figures::of(summary)))
        .collect();
    all()
        .map(|figure| Compared {
            estimates: runs
                .iter()
                .map(|(record, summary, figures)| {
                    let value = figures.get(&figure.path)?;
                    let margin = margin(record, summary, &figure, value);
                    Some(Estimate { value, margin })
                })
                .collect(),
            figure,
        })
        .filter(|compared| compared.estimates.iter().any(Option::is_some))
        .collect()
}

impl Compared {
    /// How run `index` differs from the first, where it does so beyond noise.
    pub(super) fn change(&self, index: usize) -> Option<Change> {
        let (first, other) = (self.estimates[0]?, self.estimates[index]?);
        let noise = first.margin?.hypot(other.margin?);
        let difference = other.value - first.value;
        if difference.abs() <= noise.max(first.value.abs() * LEAST_CHANGE) {
            return None;
        }
        Some(match self.figure.unit {
            Unit::PerSecond if difference > 0.0 => Change::Better,
            Unit::PerSecond => Change::Worse,
            _ if difference < 0.0 => Change::Better,
            Unit::Millis | Unit::Bytes | Unit::Count => Change::Worse,
            Unit::Seconds | Unit::Ratio => Change::Other,
        })
    }

    /// The highest value that would not be a change for the worse from the
    /// first run's, and the run's own: what a baseline gate holds it against.
    pub(super) fn limit(&self, index: usize) -> Option<f64> {
        let (first, other) = (self.estimates[0]?, self.estimates[index]?);
        let noise = first.margin?.hypot(other.margin?);
        Some(first.value + noise.max(first.value.abs() * LEAST_CHANGE))
    }
}

fn margin(record: &RunRecord, summary: &Summary, figure: &Figure, value: f64) -> Option<f64> {
    if let Some(name) = figure.path.strip_prefix("cost_per_socket.") {
        let fit = serde_json::to_value(&summary.cost_per_socket).ok()?;
        let fit = fit.get(name)?;
        return Some((fit.get("high")?.as_f64()? - fit.get("low")?.as_f64()?) / 2.0);
    }
    if is_failure(&figure.path) {
        return Some(Z * value.max(1.0).sqrt());
    }
    let (metric, part) = figure.path.rsplit_once('.')?;
    let (tag, window) = match metric {
        "sockets.connect" => (latency::CONNECT, Window::Run),
        tag => (tag, Window::Steady),
    };
    let range = record.phases.range(window)?;
    let blocks = record.latencies.blocks(tag);
    let blocks = blocks.filter(|(at, _)| range.contains(at));
    let values: Option<Vec<f64>> = blocks.map(|(_, block)| of_block(&block, part)).collect();
    mean_margin(&values?)
}

/// In milliseconds; `None` for what a block's value says nothing about.
fn of_block(block: &LatencyHistogram, part: &str) -> Option<f64> {
    let micros = match part {
        "mean" => block.mean(),
        "p50" => block.value_at_quantile(0.5) as f64,
        "p90" => block.value_at_quantile(0.9) as f64,
        "p99" => block.value_at_quantile(0.99) as f64,
        _ => return None,
    };
    Some(micros / 1000.0)
}

fn is_failure(path: &str) -> bool {
    const FAILURES: [&str; 18] = [
        "sockets.failed",
        "sockets.dropped",
        "heartbeats.missed",
        "heartbeats.late",
        "commands.dropped",
        "commands.timed_out",
        "commands.not_connected",
        "commands.rejected",
        "commands.failed",
        "messages.dropped",
        "messages.rejected",
        "messages.unconfirmed",
        "messages.lost",
        "messages.duplicated",
        "messages.reordered",
        "readings.refused",
        "readings.duplicated",
        "readings.lost",
    ];
    FAILURES.contains(&path)
}
