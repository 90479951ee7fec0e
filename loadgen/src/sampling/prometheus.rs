//! Maps metrics in Prometheus text to the gauges of a record.

use highwater_reports::record::names::gauge;
use highwater_scenarios::plan::OwnMetric;

use super::{
    exposition::{BrokenLine, Sample, SampleKind, parse},
    gauges::Gauges,
    own_metrics::add_own_metrics,
    target::MetricsEndpoint,
};

/// The gauges in a text, and what was wrong with it.
#[derive(Debug, Default)]
pub(crate) struct MappedGauges<'e> {
    /// The gauges.
    pub(crate) gauges: Gauges,
    /// The endpoint's own metrics of which the text has no series.
    pub(crate) missing: Vec<&'e OwnMetric>,
    /// The first line that breaks the format, and the number of such lines.
    pub(crate) broken: Option<(BrokenLine, usize)>,
    /// The first metric of a gauge whose value cannot be, which is not recorded.
    pub(crate) impossible: Option<ImpossibleValue>,
}

/// A value that a number, a size or a time of a process cannot have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{metric} is {value:e}: expected a number from 0 to {MAX_VALUE:e}")]
pub(crate) struct ImpossibleValue {
    metric: String,
    value: f64,
}

/// Greatest value of a gauge: no process has as many bytes, and a record keeps it exactly enough.
const MAX_VALUE: f64 = 1e18;

/// A metric that holds a gauge.
pub(crate) struct MetricMapping {
    gauge: &'static str,
    metric: &'static str,
    /// Labels that a sample needs to count; the other samples count another thing.
    labels: &'static [MetricLabel],
    /// The number of the metric's units in one of the gauge's.
    divisor: f64,
}

/// Name and value of a label.
pub(crate) type MetricLabel = (&'static str, &'static str);

/// Returns the gauges in `text`, by `mappings` in their order: the first mapping of a gauge
/// that finds a value wins. If a metric has several samples, the gauge is their sum.
///
/// `endpoint` has the metrics that the scenario names.
pub(crate) fn map_gauges<'e>(
    mappings: &[MetricMapping],
    text: &str,
    endpoint: &'e MetricsEndpoint,
) -> MappedGauges<'e> {
    let sockets_metric = endpoint.sockets_metric.as_deref();
    let own = &endpoint.metrics;
    let is_wanted = |name: &str| {
        Some(name) == sockets_metric
            || mappings.iter().any(|mapping| mapping.metric == name)
            || own.iter().any(|metric| metric.selector.metric() == name)
    };
    // The text is parsed once for all mappings.
    let exposition = parse(text, is_wanted);
    let samples = &exposition.samples;
    let mut gauges = Gauges::new();
    let mut impossible = None;
    let mut insert = |gauges: &mut Gauges, gauge: &str, metric: &str, value: f64| {
        if (0.0..=MAX_VALUE).contains(&value) {
            gauges.insert(gauge.into(), value);
        } else {
            let metric = metric.to_owned();
            impossible.get_or_insert(ImpossibleValue { metric, value });
        }
    };
    if let Some(name) = sockets_metric
        && let Some(sockets) = sum(samples, name, &[])
    {
        insert(&mut gauges, gauge::SOCKETS_OPEN, name, sockets);
    }
    for mapping in mappings {
        // A metric that the scenario names is never replaced by a known one, even if it
        // has no value: the known one may count another thing at that target.
        let is_replaced = mapping.gauge == gauge::SOCKETS_OPEN && sockets_metric.is_some();
        if is_replaced || gauges.contains_key(mapping.gauge) {
            continue;
        }
        if let Some(value) = sum(samples, mapping.metric, mapping.labels) {
            insert(
                &mut gauges,
                mapping.gauge,
                mapping.metric,
                value / mapping.divisor,
            );
        }
    }
    let missing = add_own_metrics(own, &exposition, &mut gauges);
    let lines = exposition.broken_lines;
    MappedGauges {
        gauges,
        missing,
        broken: exposition.first_broken.map(|first| (first, lines)),
        impossible,
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
        divisor: 1.0,
    }
}

/// A mapping that counts every sample of a metric, of whose units `divisor` make one of the
/// gauge's.
pub(crate) const fn scaled(
    gauge: &'static str,
    metric: &'static str,
    divisor: f64,
) -> MetricMapping {
    MetricMapping {
        divisor,
        ..mapping(gauge, metric)
    }
}

/// Returns the sum of a metric's samples; `None` without samples, or if it is not finite.
fn sum(samples: &[Sample<'_>], metric: &str, labels: &[MetricLabel]) -> Option<f64> {
    let has = |sample: &Sample<'_>, (key, value): &MetricLabel| sample.label(key) == Some(*value);
    samples
        .iter()
        .filter(|sample| sample.metric == metric && sample.kind != SampleKind::Quantile)
        .filter(|sample| labels.iter().all(|label| has(sample, label)))
        .filter_map(Sample::finite_value)
        // `reduce` and not `sum`, whose 0 for no samples would be a made-up measurement.
        .reduce(|sum, value| sum + value)
        .filter(|sum| sum.is_finite())
}
