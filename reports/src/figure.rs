//! Figures of a summary by their path without the unit suffix:
//! `heartbeats.response.p99`, `cost_per_socket.node_heap`.

use serde_json::Value;

use crate::{human, summary::Summary};

/// What a figure is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Something per second.
    PerSecond,
    /// A plain number.
    Number,
}

/// Suffixes that a key of `summary.json` may carry and a figure's path leaves
/// out.
const SUFFIXES: [&str; 4] = ["", "_ms", "_s", "_per_s"];

/// A summary as figures are looked up in it.
pub struct Figures(Value);

impl Figures {
    /// All figures of a summary.
    pub fn of(summary: &Summary) -> Self {
        Self(serde_json::to_value(summary).unwrap_or(Value::Null))
    }

    /// The figure at `path`; of a list the largest. `None` when it was not
    /// measured or there is no such figure.
    pub fn get(&self, path: &str) -> Option<f64> {
        let segments: Vec<&str> = path.split('.').collect();
        number(&self.0, &segments)
    }
}

/// What the figure at `path` is counted in.
pub fn quantity(path: &str) -> Quantity {
    let segments: Vec<&str> = path.split('.').collect();
    let last = segments.last().copied().unwrap_or_default();
    let bytes = ["rss", "heap", "kernel", "bytes"];
    match last {
        "mean" | "p50" | "p90" | "p99" | "p999" | "max" => Quantity::Millis,
        _ if last.ends_with("_rate") => Quantity::PerSecond,
        "cpu" | "duration" | "settled_after" => Quantity::Seconds,
        _ if bytes.iter().any(|word| last.contains(word)) => Quantity::Bytes,
        _ => Quantity::Number,
    }
}

impl Quantity {
    /// A value in words.
    pub fn display(self, value: f64) -> String {
        match self {
            Self::Millis => human::millis(value),
            Self::Seconds => human::seconds(value),
            Self::Bytes => human::bytes(value),
            Self::PerSecond => format!("{}/s", human::significant(value)),
            Self::Number => human::significant(value),
        }
    }
}

fn number(value: &Value, path: &[&str]) -> Option<f64> {
    match value {
        Value::Number(number) if path.is_empty() => number.as_f64(),
        Value::Object(object) => match path {
            // A fit stands for its slope.
            [] => object.get("value")?.as_f64(),
            [key, rest @ ..] => SUFFIXES
                .iter()
                .find_map(|suffix| object.get(&format!("{key}{suffix}")))
                .and_then(|value| number(value, rest)),
        },
        Value::Array(items) => items
            .iter()
            .filter_map(|item| number(item, path))
            .max_by(f64::total_cmp),
        _ => None,
    }
}
