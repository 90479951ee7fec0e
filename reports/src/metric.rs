//! Figures of a summary by their path in the catalogue of figures:
//! `heartbeats.response.p99`, `cost_per_socket.node_heap`.

use highwater_scenarios::metrics::{Unit, find};
use highwater_types::format;
use serde_json::Value;

use crate::summary::Summary;

/// A summary as figures are looked up in it.
pub struct SummaryMetrics(Value);

impl SummaryMetrics {
    /// All figures of a summary.
    pub fn of(summary: &Summary) -> Self {
        Self(serde_json::to_value(summary).unwrap_or(Value::Null))
    }

    /// The figure at `path`; `None` when it was not measured or there is no
    /// such figure.
    pub fn get(&self, path: &str) -> Option<f64> {
        let figure = find(path)?;
        let keys = figure.json_path();
        keys.into_iter()
            .try_fold(&self.0, |value, key| value.get(key))?
            .as_f64()
    }
}

/// What the figure at `path` is counted in.
pub fn unit(path: &str) -> Unit {
    find(path).map_or(Unit::Count, |figure| figure.unit)
}

/// A value of a figure in words.
pub fn display(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Millis => format::millis(value),
        Unit::Seconds => format::seconds(value),
        Unit::Bytes => format::size(value),
        Unit::PerSecond => format!("{}/s", format::significant(value)),
        Unit::Share => format!("{} %", format::significant(value * 100.0)),
        Unit::Count | Unit::Ratio => format::significant(value),
    }
}
