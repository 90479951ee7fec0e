//! Maps metrics in Prometheus text to the gauges of a record.

use highwater_reports::record::names::gauge;

use super::{
    exposition::{BrokenLine, Sample, parse},
    gauges::Gauges,
};

/// The gauges in a text, and what was wrong with it.
#[derive(Debug, Default)]
pub(crate) struct MappedGauges {
    /// The gauges.
    pub(crate) gauges: Gauges,
    /// The first line that breaks the format, and the number of such lines.
    pub(crate) broken: Option<(BrokenLine, usize)>,
}

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
) -> MappedGauges {
    let is_wanted = |name: &str| {
        Some(name) == sockets_metric || mappings.iter().any(|mapping| mapping.metric == name)
    };
    // The text is parsed once for all mappings.
    let exposition = parse(text, is_wanted);
    let samples = &exposition.samples;
    let mut gauges = Gauges::new();
    if let Some(sockets) = sockets_metric.and_then(|name| sum(samples, name, &[])) {
        gauges.insert(gauge::SOCKETS_OPEN.into(), sockets);
    }
    for mapping in mappings {
        // A metric that the scenario names is never replaced by a known one, even if it
        // has no value: the known one may count another thing at that target.
        let is_replaced = mapping.gauge == gauge::SOCKETS_OPEN && sockets_metric.is_some();
        if is_replaced || gauges.contains_key(mapping.gauge) {
            continue;
        }
        if let Some(value) = sum(samples, mapping.metric, mapping.labels) {
            gauges.insert(mapping.gauge.into(), value);
        }
    }
    let lines = exposition.broken_lines;
    MappedGauges {
        gauges,
        broken: exposition.first_broken.map(|first| (first, lines)),
    }
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

/// Returns the sum of a metric's samples; `None` without samples, or if it is not finite.
fn sum(samples: &[Sample<'_>], metric: &str, labels: &[MetricLabel]) -> Option<f64> {
    let has = |sample: &Sample<'_>, (key, value): &MetricLabel| sample.label(key) == Some(*value);
    samples
        .iter()
        .filter(|sample| sample.metric == metric)
        .filter(|sample| labels.iter().all(|label| has(sample, label)))
        .filter_map(Sample::finite_value)
        // `reduce` and not `sum`, whose 0 for no samples would be a made-up measurement.
        .reduce(|sum, value| sum + value)
        .filter(|sum| sum.is_finite())
}
