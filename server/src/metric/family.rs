//! Counters, gauges and their text.

use prometheus::{
    Encoder, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder, core::Collector,
    proto::MetricFamily,
};

/// Registers a gauge of that value. An unknown value is left out.
pub(crate) fn register_gauge(registry: &Registry, name: &str, help: &str, value: Option<f64>) {
    if let Some(value) = value {
        let gauge = expect_valid(prometheus::Gauge::new(name, help));
        gauge.set(value);
        register_metric(registry, &gauge);
    }
}

/// Registers a counter of that value. An unknown value is left out.
pub(crate) fn register_counter(registry: &Registry, name: &str, help: &str, value: Option<f64>) {
    if let Some(value) = value {
        let counter = expect_valid(prometheus::Counter::new(name, help));
        // A negative increment panics.
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

/// Returns the metric of a constant name and help, which are valid.
pub(crate) fn expect_valid<M>(metric: Result<M, prometheus::Error>) -> M {
    match metric {
        Ok(metric) => metric,
        // Names are constants of the program, so a name that is not allowed is a bug.
        Err(error) => unreachable!("a metric's name or help is invalid: {error}"),
    }
}

pub(crate) fn register_metric<C: Collector + Clone + 'static>(registry: &Registry, metric: &C) {
    if let Err(error) = registry.register(Box::new(metric.clone())) {
        tracing::error!(%error, "cannot register a metric; it is not exported");
    }
}

/// Encodes metric families in the Prometheus text format.
pub(crate) fn encode_text(families: &[MetricFamily]) -> String {
    let mut text = Vec::new();
    // Writing to memory cannot fail, and the encoder rejects only families without samples.
    if let Err(error) = TextEncoder::new().encode(families, &mut text) {
        tracing::error!(%error, "cannot encode the metrics; some are missing");
    }
    String::from_utf8(text).unwrap_or_default()
}
