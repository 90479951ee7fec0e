//! Counters, gauges and their text.

use prometheus::{
    Encoder, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
    core::{AtomicF64, Collector, GenericGauge},
    proto::MetricFamily,
};

/// A gauge of that value; nothing at all when it is not known.
pub(crate) fn register_gauge(registry: &Registry, name: &str, help: &str, value: Option<f64>) {
    if let Some(value) = value
        && let Some(gauge) = ok_or_log(GenericGauge::<AtomicF64>::new(name, help))
    {
        gauge.set(value);
        register_metric(registry, &gauge);
    }
}

/// A counter of that value; nothing at all when it is not known.
pub(crate) fn register_counter(registry: &Registry, name: &str, help: &str, value: Option<f64>) {
    if let Some(value) = value
        && let Some(counter) = ok_or_log(prometheus::Counter::new(name, help))
    {
        counter.inc_by(value.max(0.0));
        register_metric(registry, &counter);
    }
}

pub(crate) fn gauge(name: &str, help: &str) -> IntGauge {
    expect_valid(IntGauge::new(name, help))
}

pub(crate) fn counter(name: &str, help: &str) -> IntCounter {
    expect_valid(IntCounter::new(name, help))
}

pub(crate) fn counter_vec(name: &str, help: &str, label: &str) -> IntCounterVec {
    expect_valid(IntCounterVec::new(Opts::new(name, help), &[label]))
}

/// Names are constants of the program, so a name that is not allowed is a bug.
pub(crate) fn expect_valid<M>(metric: Result<M, prometheus::Error>) -> M {
    match metric {
        Ok(metric) => metric,
        Err(error) => unreachable!("a metric's name or help is invalid: {error}"),
    }
}

pub(crate) fn register_metric<C: Collector + Clone + 'static>(registry: &Registry, metric: &C) {
    if let Err(error) = registry.register(Box::new(metric.clone())) {
        tracing::error!(%error, "metric");
    }
}

/// Encodes metric families in the Prometheus text format.
pub(crate) fn encode_text(families: &[MetricFamily]) -> String {
    let mut text = Vec::new();
    // Writing to memory cannot fail, and the encoder rejects only families without samples.
    if let Err(error) = TextEncoder::new().encode(families, &mut text) {
        tracing::error!(%error, "metrics");
    }
    String::from_utf8(text).unwrap_or_default()
}

fn ok_or_log<M>(metric: Result<M, prometheus::Error>) -> Option<M> {
    metric
        .inspect_err(|error| tracing::error!(%error, "metric"))
        .ok()
}
