//! Making Prometheus metrics, and having a registry show them.

use prometheus::{
    IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    core::{AtomicF64, Collector, GenericGauge},
};

/// A gauge of that value; nothing at all when it is not known.
pub(crate) fn set(registry: &Registry, name: &str, help: &str, value: Option<f64>) {
    if let Some(value) = value
        && let Some(gauge) = valid(GenericGauge::<AtomicF64>::new(name, help))
    {
        gauge.set(value);
        add(registry, &gauge);
    }
}

/// A counter of that value; nothing at all when it is not known.
pub(crate) fn set_counter(registry: &Registry, name: &str, help: &str, value: Option<f64>) {
    if let Some(value) = value
        && let Some(counter) = valid(prometheus::Counter::new(name, help))
    {
        counter.inc_by(value.max(0.0));
        add(registry, &counter);
    }
}

/// A gauge that tasks write.
pub(crate) fn gauge(name: &str, help: &str) -> IntGauge {
    constant(IntGauge::new(name, help))
}

/// A counter that tasks write.
pub(crate) fn counter(name: &str, help: &str) -> IntCounter {
    constant(IntCounter::new(name, help))
}

/// Counters that one label tells apart.
pub(crate) fn counters(name: &str, help: &str, label: &str) -> IntCounterVec {
    constant(IntCounterVec::new(Opts::new(name, help), &[label]))
}

/// Names are constants of this crate, so a name that is not allowed is a bug.
pub(crate) fn constant<M>(metric: Result<M, prometheus::Error>) -> M {
    match metric {
        Ok(metric) => metric,
        Err(error) => unreachable!("a metric's name or help is invalid: {error}"),
    }
}

fn valid<M>(metric: Result<M, prometheus::Error>) -> Option<M> {
    metric
        .inspect_err(|error| tracing::error!(%error, "metric"))
        .ok()
}

/// Has `registry` show it.
pub(crate) fn add<C: Collector + Clone + 'static>(registry: &Registry, metric: &C) {
    if let Err(error) = registry.register(Box::new(metric.clone())) {
        tracing::error!(%error, "metric");
    }
}
