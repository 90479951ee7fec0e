//! The table of the summary: its metrics, and those of each process and event.

use std::io;

use highwater_scenarios::metrics::{self, Direction, ItemTable, Metric, Unit, item_tables};
use serde_json::Value;

use super::column::{Cell, Column, ColumnType, TableWriter, nullable, required};
use crate::{
    analysis::summary_metrics::{SummaryMetrics, item_value},
    record::action_title,
    summary::Summary,
};

use ColumnType::{Label, Number};

/// Columns of the table.
#[rustfmt::skip]
pub(super) const COLUMNS: &[Column] = &[
    required("metric", Label, "path of the metric, as `highwater metrics` lists it; of a process or an event with its list before"),
    required("unit", Label, "unit of the value"),
    required("better", Label, "lower, higher or neither"),
    nullable("source", Label, "process or event that the value is of; empty for the whole run"),
    nullable("t", Number, "time of the event, in seconds since the run's start"),
    nullable("value", Number, "value; empty if it was not measured"),
];

/// A row of the table.
struct SummaryRow<'r> {
    metric: &'r str,
    unit: Unit,
    better: Direction,
    source: Option<&'r str>,
    t: Option<f64>,
    value: Option<f64>,
}

/// Writes a row for each metric of the summary, and returns their number.
pub(super) fn write_summary(summary: &Summary, table: &mut dyn TableWriter) -> io::Result<u64> {
    let values = SummaryMetrics::of(summary);
    let mut writer = SummaryWriter { table, rows: 0 };
    let own: Vec<Metric> = own_metrics(summary).collect();
    for metric in metrics::all().chain(own) {
        writer.row(&SummaryRow {
            metric: &metric.path,
            unit: metric.unit,
            better: metric.direction,
            source: None,
            t: None,
            value: values.get(&metric.path),
        })?;
    }
    for items in item_tables() {
        for item in values.items(items.list) {
            writer.item(items, item)?;
        }
    }
    Ok(writer.rows)
}

/// Returns the metrics of the target that the scenario names.
fn own_metrics(summary: &Summary) -> impl Iterator<Item = Metric> {
    let processes = summary.observe.iter();
    processes.flat_map(|(process, names)| {
        let names = names.keys();
        names.flat_map(move |name| metrics::own_metrics(process, name))
    })
}

struct SummaryWriter<'t> {
    table: &'t mut dyn TableWriter,
    rows: u64,
}

impl SummaryWriter<'_> {
    /// Writes the metrics of one process, node or event.
    fn item(&mut self, items: &ItemTable, item: &Value) -> io::Result<()> {
        let source = item_name(item);
        for metric in items.metrics {
            let path = format!("{}.{}", items.list, metric.key);
            let row = SummaryRow {
                metric: &path,
                unit: metric.unit,
                better: metric.direction,
                source: Some(&source),
                t: item.get("at_s").and_then(Value::as_f64),
                value: None,
            };
            match item_value(item, metric.key) {
                // Values by node: a row for each.
                Some(Value::Object(by_node)) => {
                    for (node, value) in by_node {
                        let path = format!("{path}.{node}");
                        self.row(&SummaryRow {
                            metric: &path,
                            value: value.as_f64(),
                            ..row
                        })?;
                    }
                }
                value => self.row(&SummaryRow {
                    value: value.and_then(Value::as_f64),
                    ..row
                })?,
            }
        }
        Ok(())
    }

    fn row(&mut self, row: &SummaryRow<'_>) -> io::Result<()> {
        self.rows += 1;
        self.table.row(&[
            Cell::Text(row.metric),
            Cell::Text(row.unit.label()),
            Cell::Text(row.better.into()),
            Cell::optional_text(row.source),
            Cell::optional_number(row.t),
            Cell::optional_number(row.value),
        ])
    }
}

/// Returns the name of a process, or the title of an event.
fn item_name(item: &Value) -> String {
    let text = |key| item.get(key).and_then(Value::as_str);
    match (text("id"), text("event"), text("node")) {
        (Some(id), _, _) => id.to_owned(),
        (None, Some(event), Some(node)) => action_title(event, node),
        (None, event, node) => event.or(node).unwrap_or_default().to_owned(),
    }
}
