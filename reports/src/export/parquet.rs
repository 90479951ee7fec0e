//! Apache Parquet: columns, compressed, with the description of the run in the file.

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::Arc,
};

use parquet::{
    basic::{Compression, Encoding},
    data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::{parser::parse_message_type, types::ColumnPath},
};

use super::{
    column::{Cell, Column, ColumnType, TableWriter},
    format::{ExportFormat, Layout, Output},
    schema::{data_package, facts},
    source::ExportSource,
    table::Table,
};

/// The format.
pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "parquet",
    about: "columns, compressed; the smallest and the fastest to read",
    extension: "parquet",
    has_schema_file: false,
    layout: Layout::Tables(open),
};

/// Rows that are written together. Memory holds them meanwhile.
const GROUP_ROWS: usize = 1 << 18;
/// Most different texts of a column that are kept for further rows.
const MAX_KEPT_TEXTS: usize = 1 << 16;

/// A table as a Parquet file.
struct ParquetTable<'w> {
    writer: SerializedFileWriter<Output<'w>>,
    columns: Vec<ColumnBuffer>,
    rows: usize,
}

/// The cells of a column that wait for the end of their group.
struct ColumnBuffer {
    kind: ColumnType,
    /// 1 for a value and 0 for null; unused if no cell may be null.
    levels: Option<Vec<i16>>,
    times: Vec<i64>,
    numbers: Vec<f64>,
    texts: Vec<ByteArray>,
    /// Texts of earlier rows, which further rows share.
    kept: HashMap<String, ByteArray>,
}

fn open<'w>(
    out: Output<'w>,
    table: Table,
    source: &ExportSource,
) -> io::Result<Box<dyn TableWriter + 'w>> {
    let columns = table.columns();
    let schema = parse_message_type(&message_type(table)).map_err(to_io)?;
    let properties = Arc::new(properties(columns, source)?);
    let writer = SerializedFileWriter::new(out, Arc::new(schema), properties).map_err(to_io)?;
    Ok(Box::new(ParquetTable {
        writer,
        columns: columns.iter().map(ColumnBuffer::new).collect(),
        rows: 0,
    }))
}

/// Returns the schema of a table in Parquet's own language.
fn message_type(table: Table) -> String {
    let columns = table.columns().iter().map(|column| {
        let repetition = if column.is_nullable {
            "OPTIONAL"
        } else {
            "REQUIRED"
        };
        let (kind, logical) = match column.kind {
            ColumnType::Time => ("INT64", " (TIMESTAMP(MICROS,true))"),
            ColumnType::Number => ("DOUBLE", ""),
            ColumnType::Label | ColumnType::Text => ("BYTE_ARRAY", " (STRING)"),
        };
        format!("{repetition} {kind} {}{logical}; ", column.name)
    });
    let columns: String = columns.collect();
    format!("message {} {{ {columns}}}", table.name())
}

fn properties(columns: &[Column], source: &ExportSource) -> io::Result<WriterProperties> {
    let package = data_package(source, &FORMAT)?;
    let facts = facts(source).into_iter();
    let facts = facts.map(|(name, value)| KeyValue::new(format!("highwater.{name}"), value));
    let mut metadata: Vec<KeyValue> = facts.collect();
    metadata.push(KeyValue::new("highwater.datapackage".to_owned(), package));
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("highwater ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(metadata));
    for column in columns {
        let path = ColumnPath::from(column.name);
        // Texts that repeat are numbers of a dictionary; times are differences.
        let has_dictionary = column.kind == ColumnType::Label;
        properties = properties.set_column_dictionary_enabled(path.clone(), has_dictionary);
        if column.kind == ColumnType::Time {
            properties = properties.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    Ok(properties.build())
}

impl TableWriter for ParquetTable<'_> {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(*cell);
        }
        self.rows += 1;
        match self.rows < GROUP_ROWS {
            true => Ok(()),
            false => self.write_group(),
        }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if self.rows > 0 {
            self.write_group()?;
        }
        self.writer.finish().map_err(to_io)?;
        self.writer.inner_mut().flush()
    }
}

impl ParquetTable<'_> {
    fn write_group(&mut self) -> io::Result<()> {
        self.rows = 0;
        let mut group = self.writer.next_row_group().map_err(to_io)?;
        for column in &mut self.columns {
            column.write(&mut group).map_err(to_io)?;
        }
        group.close().map_err(to_io)?;
        Ok(())
    }
}

impl ColumnBuffer {
    fn new(column: &Column) -> Self {
        Self {
            kind: column.kind,
            levels: column.is_nullable.then(Vec::new),
            times: Vec::new(),
            numbers: Vec::new(),
            texts: Vec::new(),
            kept: HashMap::new(),
        }
    }

    fn push(&mut self, cell: Cell<'_>) {
        if let Some(levels) = &mut self.levels {
            levels.push(i16::from(cell != Cell::Null));
        }
        match (cell, self.kind) {
            (Cell::Time(time), _) => self.times.push(time.timestamp_micros()),
            (Cell::Number(number), _) => self.numbers.push(number),
            (Cell::Text(text), _) => {
                let text = self.text(text);
                self.texts.push(text);
            }
            // Only a number may turn out to be none, such as an infinite one.
            (Cell::Null, ColumnType::Number) if self.levels.is_none() => {
                self.numbers.push(f64::NAN);
            }
            (Cell::Null, _) => {}
        }
    }

    fn text(&mut self, text: &str) -> ByteArray {
        if let Some(kept) = self.kept.get(text) {
            return kept.clone();
        }
        let new = ByteArray::from(text);
        if self.kind == ColumnType::Label && self.kept.len() < MAX_KEPT_TEXTS {
            self.kept.insert(text.to_owned(), new.clone());
        }
        new
    }

    fn write<W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        let Some(mut column) = group.next_column()? else {
            return Ok(());
        };
        self.write_cells(&mut column)?;
        column.close()?;
        self.times.clear();
        self.numbers.clear();
        self.texts.clear();
        if let Some(levels) = &mut self.levels {
            levels.clear();
        }
        Ok(())
    }

    fn write_cells(&self, column: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = self.levels.as_deref();
        match self.kind {
            ColumnType::Time => {
                let column = column.typed::<Int64Type>();
                column.write_batch(&self.times, levels, None)?;
            }
            ColumnType::Number => {
                let column = column.typed::<DoubleType>();
                column.write_batch(&self.numbers, levels, None)?;
            }
            ColumnType::Label | ColumnType::Text => {
                let column = column.typed::<ByteArrayType>();
                column.write_batch(&self.texts, levels, None)?;
            }
        }
        Ok(())
    }
}

fn to_io(error: ParquetError) -> io::Error {
    match error {
        // An error of the stream keeps its kind, such as that of a closed pipe.
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(source) => io::Error::other(source),
        },
        error => io::Error::other(error),
    }
}
