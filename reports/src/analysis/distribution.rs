//! Distributions of durations, as the summary has them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::histogram::LatencyHistogram;

/// A distribution of durations in milliseconds. All but `count` are `null` when nothing
/// was counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names of percentiles define themselves")]
pub struct Distribution {
    pub count: u64,
    pub mean: Option<f64>,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p99: Option<f64>,
    pub p999: Option<f64>,
    pub max: Option<f64>,
}

impl Distribution {
    /// Summarises a histogram of microseconds; without one, nothing was counted.
    pub(super) fn of(histogram: Option<&LatencyHistogram>) -> Self {
        let Some(histogram) = histogram else {
            return Self::default();
        };
        let millis = |micros: u64| Some(micros as f64 / 1000.0);
        let quantile = |q: f64| millis(histogram.value_at_quantile(q));
        Self {
            count: histogram.len(),
            // The histogram's mean is exact to its bucket width, like its quantiles.
            mean: Some(histogram.mean() / 1000.0),
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            p999: quantile(0.999),
            max: millis(histogram.max()),
        }
    }
}
