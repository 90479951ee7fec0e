//! A table of the page, and the text of its cells.

use std::collections::BTreeMap;

use highwater_scenarios::metrics::Unit;
use highwater_types::format;
use serde::Serialize;
use serde_json::Value;

use crate::{analysis::processes::natural_sort_key, unit_format};

/// A table of text.
#[derive(Debug, Serialize)]
pub(super) struct PageTable {
    pub(super) caption: &'static str,
    /// Heads of the columns; empty for a table of names and values.
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<TableRow>,
}

/// A row of a table.
#[derive(Debug, Serialize)]
pub(super) struct TableRow {
    /// Class for the style sheet: a verdict, or nothing.
    pub(super) class: &'static str,
    pub(super) cells: Vec<String>,
}

/// Creates a table with the heads of its columns.
pub(super) fn table<const N: usize>(
    caption: &'static str,
    head: [&str; N],
    rows: Vec<TableRow>,
) -> PageTable {
    PageTable {
        caption,
        head: head.map(str::to_owned).into(),
        rows,
    }
}

/// Creates a row.
pub(super) fn row<const N: usize>(cells: [String; N]) -> TableRow {
    TableRow {
        class: "",
        cells: cells.into(),
    }
}

/// Formats a measured value; a missing one is a dash, because it is not zero.
pub(super) fn value(unit: Unit, value: Option<f64>) -> String {
    value.map_or_else(missing, |value| unit_format::with_unit(unit, value))
}

/// Formats a value of the summary: a number, or a number for each node.
pub(super) fn json_value(unit: Unit, json: Option<&Value>) -> String {
    match json {
        Some(Value::Object(by_node)) => {
            let counts = by_node
                .iter()
                .filter_map(|(node, count)| Some((node.clone(), count.as_u64()?)));
            by_node_text(&counts.collect())
        }
        json => value(unit, json.and_then(Value::as_f64)),
    }
}

/// Formats counts by node: `n1 20, n2 31`, with `n2` before `n10`.
pub(super) fn by_node_text(counts: &BTreeMap<String, u64>) -> String {
    let mut counts: Vec<(&String, &u64)> = counts.iter().collect();
    // JSON sorts keys as text, which puts `n10` before `n2`.
    counts.sort_by_cached_key(|(id, _)| natural_sort_key(id));
    let counts = counts
        .into_iter()
        .map(|(id, count)| format!("{id} {}", format::count(*count)));
    counts.collect::<Vec<_>>().join(", ")
}

/// The text of a value that was not measured.
pub(super) fn missing() -> String {
    "–".to_owned()
}
