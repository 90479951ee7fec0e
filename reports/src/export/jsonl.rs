//! JSON lines: one object a row.

use std::io::{self, Write};

use super::{
    column::{Cell, Column, TableWriter, rfc3339},
    format::{ExportFormat, Layout, Output},
    source::ExportSource,
    table::Table,
};

/// The format.
pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "jsonl",
    about: "one JSON object a line, described by datapackage.json",
    extension: "jsonl",
    has_schema_file: true,
    layout: Layout::Tables(open),
};

/// A table as JSON lines.
struct JsonTable<'w> {
    out: Output<'w>,
    columns: &'static [Column],
}

fn open<'w>(
    out: Output<'w>,
    table: Table,
    _: &ExportSource,
) -> io::Result<Box<dyn TableWriter + 'w>> {
    let columns = table.columns();
    Ok(Box::new(JsonTable { out, columns }))
}

impl TableWriter for JsonTable<'_> {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        for (index, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            write!(self.out, "{before}\"{}\":", column.name)?;
            match cell {
                // Present in each row, so that all rows have the same keys.
                Cell::Null => write!(self.out, "null")?,
                Cell::Time(time) => write!(self.out, "\"{}\"", rfc3339(*time))?,
                Cell::Number(number) => write!(self.out, "{number}")?,
                Cell::Text(text) => serde_json::to_writer(&mut self.out, text)?,
            }
        }
        writeln!(self.out, "}}")
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}
