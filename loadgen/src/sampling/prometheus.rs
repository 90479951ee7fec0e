//! Maps metrics in Prometheus text to the gauges of a record.

use std::io;

use highwater_reports::record::names::gauge;
use prometheus_parse::{Sample, Scrape, Value};

use super::gauges::Gauges;

/// A metric that holds a gauge.
pub(crate) struct MetricMapping {
    gauge: &'static str,
    metric: &'static str,
    /// Labels that a sample needs to count; the other samples count another thing.
    labels: &'static [MetricLabel],
}

/// Name and value of a label.
pub(crate) type MetricLabel = (&'static str, &'static str);

/// Returns the gauges in `text`, by `mappings` in their order: the first mapping of a gauge
/// that finds a value wins. If a metric has several samples, the gauge is their sum.
///
/// `sockets_metric` names the metric of open sockets, if the scenario gives one.
pub(crate) fn map_gauges(
    mappings: &[MetricMapping],
    text: &str,
    sockets_metric: Option<&str>,
) -> Gauges {
    let is_wanted = |name: &str| {
        Some(name) == sockets_metric || mappings.iter().any(|mapping| mapping.metric == name)
    };
    // The text is parsed once for all mappings.
    let samples = parse_samples(text, is_wanted);
    let mut gauges = Gauges::new();
    if let Some(sockets) = sockets_metric.and_then(|name| sum(&samples, name, &[])) {
        gauges.insert(gauge::SOCKETS_OPEN.into(), sockets);
    }
    for mapping in mappings {
        // A metric that the scenario names is never replaced by a known one, even if it
        // has no value: the known one may count another thing at that target.
        let is_replaced = mapping.gauge == gauge::SOCKETS_OPEN && sockets_metric.is_some();
        if is_replaced || gauges.contains_key(mapping.gauge) {
            continue;
        }
        if let Some(value) = sum(&samples, mapping.metric, mapping.labels) {
            gauges.insert(mapping.gauge.into(), value);
        }
    }
    gauges
}

/// A mapping that counts every sample of the metric.
pub(crate) const fn mapping(gauge: &'static str, metric: &'static str) -> MetricMapping {
    labelled(gauge, metric, &[])
}

/// A mapping that counts the samples with all of the labels.
pub(crate) const fn labelled(
    gauge: &'static str,
    metric: &'static str,
    labels: &'static [MetricLabel],
) -> MetricMapping {
    MetricMapping {
        gauge,
        metric,
        labels,
    }
}

/// Parses the samples of the metrics whose names are wanted. Other lines are not parsed,
/// because an endpoint may show thousands of them.
pub(crate) fn parse_samples(text: &str, is_wanted: impl Fn(&str) -> bool) -> Vec<Sample> {
    let lines = text.lines().filter(|line| {
        let end = line.find(['{', ' ', '\t']).unwrap_or(line.len());
        is_wanted(&line[..end])
    });
    let scrape = Scrape::parse(lines.map(|line| io::Result::Ok(line.to_owned())));
    scrape.map(|scrape| scrape.samples).unwrap_or_default()
}

/// Returns the value of a sample; `None` for NaN, which servers show before their first
/// measurement.
pub(crate) fn sample_value(value: &Value) -> Option<f64> {
    match value {
        Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value) => {
            Some(*value).filter(|value| value.is_finite())
        }
        // Neither is one number.
        Value::Histogram(_) | Value::Summary(_) => None,
    }
}

/// Returns the sum of a metric's samples; `None` without samples, or if it is not finite.
fn sum(samples: &[Sample], metric: &str, labels: &[MetricLabel]) -> Option<f64> {
    let has_label =
        |sample: &Sample, (key, value): &MetricLabel| sample.labels.get(key) == Some(*value);
    samples
        .iter()
        .filter(|sample| sample.metric == metric)
        .filter(|sample| labels.iter().all(|label| has_label(sample, label)))
        .filter_map(|sample| sample_value(&sample.value))
        // `reduce` and not `sum`, whose 0 for no samples would be a made-up measurement.
        .reduce(|sum, value| sum + value)
        .filter(|sum| sum.is_finite())
}
