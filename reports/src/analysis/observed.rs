//! The metrics of a target that its scenario names.

use std::{collections::BTreeMap, ops::Range};

use highwater_scenarios::plan::{ObservedProcess, SystemSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    constant_load::{constant_load, hourly_growth, points_in},
    growth::sample_range,
    run_window::RunWindow,
    source_series::Sample,
};
use crate::record::{SourceRole, names::gauge};

/// Seconds before the end of a window within which a value is the last one. An older one is
/// that of a metric that vanished.
const LAST_WITHIN_S: f64 = 3.0;

/// The metrics that a scenario names, by process and by name.
pub type ObservedSummary = BTreeMap<String, BTreeMap<String, ObservedMetric>>;

/// A metric of a target that the scenario names, over the steady phase; `null` without a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObservedMetric {
    /// Whether the metric is a counter, so that the other values are rates per second.
    pub per_second: bool,
    /// Lowest value.
    pub min: Option<f64>,
    /// Mean.
    pub mean: Option<f64>,
    /// Highest value.
    pub max: Option<f64>,
    /// Value at the end.
    pub last: Option<f64>,
    /// Growth per hour; `null` when the number of open sockets was not constant for a minute.
    pub growth_per_hour: Option<f64>,
}

/// The values of a metric over time.
#[derive(Debug, Default)]
pub(crate) struct ObservedSeries {
    /// Whether the values are rates per second.
    pub(crate) per_second: bool,
    pub(crate) samples: Vec<Sample>,
}

/// Computes the section: a row for each process, and one for several endpoints together.
pub(super) fn observed(window: &RunWindow) -> ObservedSummary {
    let constant = constant_load(window);
    let mut summary = ObservedSummary::new();
    for process in observed_processes(window) {
        for (id, sources) in groups(process) {
            let metrics = process.metrics.iter().map(|metric| {
                let series = observed_series(window, &sources, &metric.name);
                let row = observed_metric(window, constant.as_ref(), &series);
                (metric.name.clone(), row)
            });
            let metrics: BTreeMap<_, _> = metrics.collect();
            if !metrics.is_empty() {
                summary.insert(id, metrics);
            }
        }
    }
    summary
}

/// Returns the processes of the target that the scenario observes.
pub(crate) fn observed_processes<'a>(window: &RunWindow<'a>) -> &'a [ObservedProcess] {
    match &window.record.manifest.plan.system {
        SystemSpec::Target(target) => &target.observe,
        SystemSpec::Cluster(_) => &[],
    }
}

/// Returns a metric of some sources. Several are summed for each second in which all of them
/// reported it, because a sum without one of them would be too low.
pub(crate) fn observed_series(
    window: &RunWindow,
    sources: &[String],
    metric: &str,
) -> ObservedSeries {
    let mut per_second = false;
    let mut sums: BTreeMap<i64, (f64, f64, usize)> = BTreeMap::new();
    let nodes = window.sources.with_role(SourceRole::Node);
    for (_, series) in nodes.filter(|(id, _)| sources.iter().any(|source| source == id)) {
        let gauge = format!("{}.{metric}", gauge::OBSERVED);
        let values: Vec<Sample> = series.gauge(&gauge).collect();
        let rates = series.rates(&format!("{}.{metric}", gauge::OBSERVED_TOTAL));
        per_second |= !rates.is_empty();
        for Sample { at_s, value } in values.into_iter().chain(rates) {
            // All sources are sampled at one instant of each second.
            let (at, sum, count) = sums.entry(at_s.round() as i64).or_insert((at_s, 0.0, 0));
            *at = at.max(at_s);
            *sum += value;
            *count += 1;
        }
    }
    let complete = sums.into_values();
    let complete = complete.filter(|(.., count)| *count == sources.len());
    ObservedSeries {
        per_second,
        samples: complete
            .map(|(at_s, value, _)| Sample { at_s, value })
            .collect(),
    }
}

/// Returns the names that a process has in gates, each with its sources.
fn groups(process: &ObservedProcess) -> Vec<(String, Vec<String>)> {
    let sources = process.process_names();
    let mut groups = vec![(process.name.clone(), sources.clone())];
    if sources.len() > 1 {
        groups.extend(sources.into_iter().map(|name| (name.clone(), vec![name])));
    }
    groups
}

fn observed_metric(
    window: &RunWindow,
    constant: Option<&Range<f64>>,
    series: &ObservedSeries,
) -> ObservedMetric {
    let ObservedSeries {
        per_second,
        samples,
    } = series;
    let range = window.distribution_range().unwrap_or(0.0..0.0);
    let points = points_in(samples.iter().copied(), &sample_range(&range));
    let values = || points.iter().map(|(_, value)| *value);
    let last = points
        .last()
        .filter(|(at, _)| range.end - at <= LAST_WITHIN_S);
    ObservedMetric {
        per_second: *per_second,
        min: values().min_by(f64::total_cmp),
        mean: (!points.is_empty()).then(|| values().sum::<f64>() / points.len() as f64),
        max: values().max_by(f64::total_cmp),
        last: last.map(|(_, value)| *value),
        growth_per_hour: constant.and_then(|range| {
            let points = points_in(samples.iter().copied(), range);
            Some(hourly_growth(&points)?.value)
        }),
    }
}
