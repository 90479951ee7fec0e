//! The metrics of a summary by their path in the registry: `heartbeats.response.p99`,
//! `cost_per_socket.node_heap`.

use highwater_scenarios::metrics::{MetricFamily, find};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::summary::Summary;

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
        self.value(find(path)?.json_path())?.as_f64()
    }

    /// Returns a whole family, such as a distribution; `None` when it was not measured.
    pub(crate) fn family<T: DeserializeOwned>(&self, family: MetricFamily) -> Option<T> {
        let value = self.value(family.json_path().iter().map(String::as_str))?;
        serde_json::from_value(value.clone()).ok()
    }

    /// Returns the items of a list: `nodes`, `balance.per_event`.
    pub(crate) fn items(&self, list: &str) -> &[Value] {
        let items = self.value(list.split('.')).and_then(Value::as_array);
        items.map_or(&[], Vec::as_slice)
    }

    fn value<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Option<&Value> {
        let mut keys = keys.into_iter();
        keys.try_fold(&self.0, |value, key| value.get(key))
    }
}

/// Returns the value of a metric of an item; `None` when the item has no such key.
pub(crate) fn item_value<'i>(item: &'i Value, key: &str) -> Option<&'i Value> {
    key.split('.').try_fold(item, |value, key| value.get(key))
}
