//! The list of all metrics, as a table and as JSON.

use highwater_scenarios::metrics::{self, Metric};
use serde::Serialize;

/// A metric as programs read it.
#[derive(Serialize)]
struct MetricJson<'a> {
    path: &'a str,
    unit: &'static str,
    better: &'static str,
    /// Whether a gate on it takes `during`.
    windowed: bool,
    meaning: &'a str,
}

/// Returns a line for each metric: path, unit, the way in which it is better, meaning.
pub fn metrics_text() -> String {
    let all = listed();
    // Paths have the widest range of lengths, so only their column is measured.
    let width = all.iter().map(|metric| metric.path.len()).max();
    let width = width.unwrap_or_default();
    let mut text = table_line(width, ["metric", "unit", "better", "meaning"]);
    for metric in &all {
        let (unit, better) = (metric.unit.label(), metric.direction.into());
        text += &table_line(width, [&metric.path, unit, better, &metric.about]);
    }
    text
}

/// Returns the metrics as a JSON array.
///
/// # Errors
/// When the list does not fit JSON, which no list of texts does.
pub fn metrics_json() -> serde_json::Result<String> {
    let all = listed();
    let rows = all.iter().map(|metric| MetricJson {
        path: &metric.path,
        unit: metric.unit.label(),
        better: metric.direction.into(),
        windowed: metric.is_windowed,
        meaning: &metric.about,
    });
    serde_json::to_string_pretty(&rows.collect::<Vec<_>>())
}

/// Returns every metric of the registry, and the forms of those that a scenario names.
fn listed() -> Vec<Metric> {
    metrics::all().chain(metrics::own_metric_forms()).collect()
}

fn table_line(width: usize, [path, unit, better, meaning]: [&str; 4]) -> String {
    format!("{path:<width$}  {unit:<5}  {better:<7}  {meaning}\n")
}

#[cfg(test)]
mod tests {
    use highwater_scenarios::metrics;

    use super::{metrics_json, metrics_text};

    #[test]
    fn every_metric_has_a_line_and_an_object() {
        let text = metrics_text();
        let count = metrics::all().chain(metrics::own_metric_forms()).count();
        assert_eq!(text.lines().count(), 1 + count);
        assert!(text.contains("observe.NAME.METRIC.growth_per_hour"));
        let line = text
            .lines()
            .find(|line| line.starts_with("commands.failed"));
        let words: Vec<&str> = line.into_iter().flat_map(str::split_whitespace).collect();
        assert_eq!(words[..3], ["commands.failed", "count", "lower"]);
        let rows: serde_json::Value = serde_json::from_str(&metrics_json().unwrap()).unwrap();
        assert_eq!(rows.as_array().unwrap().len(), count);
        assert_eq!(rows[0]["path"], "sockets.requested");
        assert_eq!(rows[0]["better"], "neither");
    }
}
