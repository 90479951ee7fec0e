//! Comma-separated values (RFC 4180), with a row of column names.

use std::io;

use super::{
    column::{Cell, TableWriter, rfc3339},
    format::{ExportFormat, Layout, Output},
    source::ExportSource,
    table::Table,
};

/// The format.
pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "csv",
    about: "comma-separated values, described by datapackage.json",
    extension: "csv",
    has_schema_file: true,
    layout: Layout::Tables(open),
};

/// A table as comma-separated values.
struct CsvTable<'w>(csv::Writer<Output<'w>>);

fn open<'w>(
    out: Output<'w>,
    table: Table,
    _: &ExportSource,
) -> io::Result<Box<dyn TableWriter + 'w>> {
    let mut writer = csv::Writer::from_writer(out);
    let names = table.columns().iter().map(|column| column.name);
    writer.write_record(names)?;
    Ok(Box::new(CsvTable(writer)))
}

impl TableWriter for CsvTable<'_> {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        for cell in cells {
            match cell {
                Cell::Null => self.0.write_field("")?,
                Cell::Time(time) => self.0.write_field(rfc3339(*time))?,
                Cell::Number(number) => self.0.write_field(number.to_string())?,
                Cell::Text(text) => self.0.write_field(text)?,
            }
        }
        // Ends the row.
        Ok(self.0.write_record(None::<&[u8]>)?)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.0.flush()
    }
}
