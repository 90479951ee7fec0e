//! A table of the page, and how its cells are written.

use highwater_types::format;
use serde::Serialize;

/// A table of text. Columns after the first are figures.
#[derive(Debug, Serialize)]
pub(super) struct PageTable {
    pub(super) caption: &'static str,
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<TableRow>,
}

/// One line of it.
#[derive(Debug, Serialize)]
pub(super) struct TableRow {
    /// For the style sheet: a verdict, or nothing.
    pub(super) class: &'static str,
    pub(super) cells: Vec<String>,
}

pub(super) fn table<const N: usize>(caption: &'static str, head: [&str; N]) -> PageTable {
    PageTable {
        caption,
        head: head.map(str::to_owned).into(),
        rows: Vec::new(),
    }
}

pub(super) fn row<const N: usize>(cells: [String; N]) -> TableRow {
    TableRow {
        class: "",
        cells: cells.into(),
    }
}

pub(super) fn number(value: Option<u64>) -> String {
    value.map_or_else(missing, format::count)
}

pub(super) fn size(value: Option<u64>) -> String {
    value.map_or_else(missing, |value| format::size(value as f64))
}

pub(super) fn time(value: Option<f64>) -> String {
    value.map_or_else(missing, format::seconds)
}

/// Not measured, which is not zero.
pub(super) fn missing() -> String {
    "–".to_owned()
}
