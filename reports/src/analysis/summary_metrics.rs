//! The metrics of a summary by their path in the registry: `heartbeats.response.p99`,
//! `cost_per_socket.node_heap`.

use highwater_scenarios::metrics::find;
use serde_json::Value;

use super::summary::Summary;

/// A summary as JSON, in which metrics are looked up.
pub(crate) struct SummaryMetrics(Value);

impl SummaryMetrics {
    /// Converts a summary.
    pub(crate) fn of(summary: &Summary) -> Self {
        Self(serde_json::to_value(summary).unwrap_or(Value::Null))
    }

    /// Returns the metric at `path`; `None` when it was not measured or is unknown.
    pub(crate) fn get(&self, path: &str) -> Option<f64> {
        let keys = find(path)?;
        let keys = keys.json_path();
        keys.into_iter()
            .try_fold(&self.0, |value, key| value.get(key))?
            .as_f64()
    }
}
