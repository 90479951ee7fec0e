//! The metrics of a summary by their path in the registry: `heartbeats.response.p99`,
//! `cost_per_socket.node_heap`.

use highwater_scenarios::metrics::{FamilyKind, Metric, MetricFamily, families, find};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::summary::{SlopeFit, Summary};

/// A summary as JSON, in which metrics are looked up.
pub(crate) struct SummaryMetrics(Value);

impl SummaryMetrics {
    /// Converts a summary.
    pub(crate) fn of(summary: &Summary) -> Self {
        // A summary always has a JSON form; without one every metric is unmeasured.
        Self(serde_json::to_value(summary).unwrap_or(Value::Null))
    }

    /// Returns the metric at `path`; `None` when it was not measured or is unknown.
    pub(crate) fn get(&self, path: &str) -> Option<f64> {
        item_value(&self.0, &find(path)?.json_path)?.as_f64()
    }

    /// Returns a whole family, such as a distribution; `None` when it was not measured.
    pub(crate) fn family<T: DeserializeOwned>(&self, family: &MetricFamily) -> Option<T> {
        let value = item_value(&self.0, &family.json_path())?;
        serde_json::from_value(value.clone()).ok()
    }

    /// Returns half of the 95 % interval of a fitted slope; `None` for any other metric.
    pub(crate) fn fit_margin(&self, metric: &Metric) -> Option<f64> {
        let mut fits = families().filter(|family| family.kind() == FamilyKind::Fit);
        let fit: SlopeFit = self.family(fits.find(|family| family.path == metric.path)?)?;
        Some((fit.high - fit.low) / 2.0)
    }

    /// Returns the items of a list: `nodes`, `balance.per_event`.
    pub(crate) fn items(&self, list: &str) -> &[Value] {
        let items = item_value(&self.0, list).and_then(Value::as_array);
        items.map_or(&[], Vec::as_slice)
    }
}

/// Returns the value at a path of keys, `storm.t50_s`; `None` when a key is absent.
pub(crate) fn item_value<'i>(item: &'i Value, path: &str) -> Option<&'i Value> {
    // No key of the summary has a point in it, except names of nodes, which no path contains.
    path.split('.').try_fold(item, |value, key| value.get(key))
}
