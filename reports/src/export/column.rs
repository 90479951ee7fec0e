//! Columns of tables, and the cells of a row.

use std::io;

use chrono::{DateTime, SecondsFormat, Utc};

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Name.
    pub(super) name: &'static str,
    /// Type of its cells.
    pub(super) kind: ColumnType,
    /// Whether cells may be empty.
    pub(super) is_nullable: bool,
    /// Meaning, in a phrase.
    pub(super) about: &'static str,
}

/// The type of a column's cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnType {
    /// An instant, in UTC.
    Time,
    /// A number.
    Number,
    /// One of few texts, which repeat.
    Label,
    /// Any text.
    Text,
}

/// A cell of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'r> {
    /// A value that was not measured, or that does not apply.
    Null,
    /// An instant.
    Time(DateTime<Utc>),
    /// A number.
    Number(f64),
    /// A text.
    Text(&'r str),
}

/// A writer of the rows of one table.
pub(super) trait TableWriter {
    /// Writes a row, with one cell for each column.
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()>;

    /// Writes what is left, and hands everything to the kernel.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

impl<'r> Cell<'r> {
    /// Returns a number; a value without a finite form is null.
    pub(super) fn number(value: f64) -> Self {
        match value.is_finite() {
            true => Self::Number(value),
            false => Self::Null,
        }
    }

    /// Returns a number, if there is one.
    pub(super) fn optional_number(value: Option<f64>) -> Self {
        value.map_or(Self::Null, Self::number)
    }

    /// Returns a text, if there is one.
    pub(super) fn optional_text(text: Option<&'r str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

/// Formats an instant as RFC 3339 has it, to the millisecond.
pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A column whose cells are never empty.
pub(super) const fn required(name: &'static str, kind: ColumnType, about: &'static str) -> Column {
    Column {
        name,
        kind,
        is_nullable: false,
        about,
    }
}

/// A column whose cells may be empty.
pub(super) const fn nullable(name: &'static str, kind: ColumnType, about: &'static str) -> Column {
    Column {
        is_nullable: true,
        ..required(name, kind, about)
    }
}
