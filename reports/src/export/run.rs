//! The export of a run.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{
    error::ExportError,
    event_rows::write_events,
    format::{ExportFormat, Layout, Output},
    output::{buffered, check_absent, create_folder, write_file, write_text},
    sample_reader::{SampleCount, read_samples},
    samples::{SampleSink, SampleTable},
    schema::{SCHEMA_FILE, data_package},
    source::ExportSource,
    summary_rows::write_summary,
    table::Table,
};
use crate::{
    analysis::analyse,
    record::{self, RunEnd},
    summary::Summary,
};

/// The place that an export is written to.
pub enum ExportTarget<'t> {
    /// A folder for all tables of the format.
    Folder(&'t Path),
    /// A file for one table.
    File(Table, &'t Path),
    /// A stream for one table.
    Stream(Table, Box<dyn Write + Send + 't>),
}

/// The files of an export.
#[derive(Debug, Clone)]
pub struct Exported {
    /// Files, in the order of writing.
    pub files: Vec<PathBuf>,
    /// Tables, with the number of their rows.
    pub rows: Vec<(Table, u64)>,
    /// The way the run ended. A run that lasts or was killed has what there is.
    pub ended: RunEnd,
    /// Time of the last sample, in seconds on the run's clock; `None` without samples.
    pub until_s: Option<f64>,
    /// Problems of reading the record, in words.
    pub problems: Vec<String>,
}

/// Returns the files that [`export`] writes into `target`.
pub fn planned_files(format: &ExportFormat, target: &ExportTarget<'_>) -> Vec<PathBuf> {
    match target {
        ExportTarget::Folder(folder) => {
            let tables = format.tables().iter();
            let tables = tables.map(|table| table_path(folder, *table, format));
            let schema = format.has_schema_file.then(|| folder.join(SCHEMA_FILE));
            tables.chain(schema).collect()
        }
        ExportTarget::File(_, path) => vec![path.to_path_buf()],
        ExportTarget::Stream(..) => Vec::new(),
    }
}

/// Exports the run whose record is in `run`. Each file appears when it is whole. Files that are
/// there already are replaced only by `force`.
///
/// # Errors
/// When the record cannot be read, a file exists or cannot be written, or the format has no such
/// table.
pub fn export(
    run: &Path,
    format: &ExportFormat,
    target: ExportTarget<'_>,
    force: bool,
) -> Result<Exported, ExportError> {
    check_format(format, &target)?;
    let mut export = Export::begin(run, format)?;
    let files = planned_files(format, &target);
    if !force {
        files.iter().try_for_each(|file| check_absent(file))?;
    }
    match target {
        ExportTarget::Folder(folder) => export.write_folder(folder)?,
        ExportTarget::File(table, path) => {
            export.prepare_summary(&[table])?;
            export.write_file(table, path.to_path_buf())?;
        }
        ExportTarget::Stream(table, out) => {
            export.prepare_summary(&[table])?;
            export.write(table, buffered(out), None)?;
        }
    }
    Ok(Exported {
        files,
        rows: export.rows,
        ended: export.source.ended,
        until_s: export.until_s,
        problems: export.source.problems,
    })
}

fn check_format(format: &ExportFormat, target: &ExportTarget<'_>) -> Result<(), ExportError> {
    #[cfg(not(feature = "parquet"))]
    if matches!(format.layout, Layout::FeatureMissing) {
        let format = format.name;
        return Err(ExportError::FeatureMissing { format });
    }
    match target {
        ExportTarget::File(table, _) | ExportTarget::Stream(table, _)
            if !format.tables().contains(table) =>
        {
            Err(ExportError::NoSuchTable {
                table: table.name(),
                format: format.name,
            })
        }
        _ => Ok(()),
    }
}

fn table_path(folder: &Path, table: Table, format: &ExportFormat) -> PathBuf {
    folder.join(format!("{}.{}", table.name(), format.extension))
}

/// An export that is being written.
struct Export<'e> {
    source: ExportSource,
    format: &'e ExportFormat,
    /// The summary, if its table is written.
    summary: Option<Summary>,
    rows: Vec<(Table, u64)>,
    until_s: Option<f64>,
}

impl<'e> Export<'e> {
    fn begin(run: &Path, format: &'e ExportFormat) -> Result<Self, ExportError> {
        Ok(Self {
            source: ExportSource::read(run)?,
            format,
            summary: None,
            rows: Vec::new(),
            until_s: None,
        })
    }

    /// Computes the summary. The record in memory is dropped before any row is written.
    fn prepare_summary(&mut self, tables: &[Table]) -> Result<(), ExportError> {
        if tables.contains(&Table::Summary) {
            let record = record::read(&self.source.dir)?;
            self.summary = Some(analyse(&record));
        }
        Ok(())
    }

    fn write_folder(&mut self, folder: &Path) -> Result<(), ExportError> {
        let tables = self.format.tables();
        self.prepare_summary(tables)?;
        create_folder(folder)?;
        for table in tables {
            self.write_file(*table, table_path(folder, *table, self.format))?;
        }
        if self.format.has_schema_file {
            let text = data_package(&self.source, self.format)?;
            write_text(&folder.join(SCHEMA_FILE), &text)?;
        }
        Ok(())
    }

    fn write_file(&mut self, table: Table, path: PathBuf) -> Result<(), ExportError> {
        let to = path.clone();
        write_file(path, |out| self.write(table, out, Some(&to)))
    }

    /// Writes one table to `out`, which is the file at `path` if there is one.
    fn write(
        &mut self,
        table: Table,
        out: Output<'_>,
        path: Option<&Path>,
    ) -> Result<(), ExportError> {
        let error = |source| match path {
            Some(path) => ExportError::Write {
                path: path.to_owned(),
                source,
            },
            None => ExportError::Stream(source),
        };
        let rows = match table {
            Table::Samples => {
                let count = self.write_samples(out)?.map_err(error)?;
                self.until_s = (count.rows > 0).then_some(count.until_s);
                count.rows
            }
            Table::Summary | Table::Events => self.write_table(table, out).map_err(error)?,
        };
        self.rows.push((table, rows));
        Ok(())
    }

    fn write_samples(&mut self, out: Output<'_>) -> Result<io::Result<SampleCount>, ExportError> {
        let opened: io::Result<Box<dyn SampleSink + '_>> = match self.format.layout {
            Layout::Tables(open) => open(out, Table::Samples, &self.source)
                .map(|table| Box::new(SampleTable(table)) as Box<dyn SampleSink + '_>),
            Layout::Samples(open) => open(out, &self.source),
            #[cfg(not(feature = "parquet"))]
            Layout::FeatureMissing => Err(io::ErrorKind::Unsupported.into()),
        };
        let mut sink = match opened {
            Ok(sink) => sink,
            Err(error) => return Ok(Err(error)),
        };
        let mut problems = Vec::new();
        let count = read_samples(&self.source, &mut problems, &mut *sink)?;
        self.source.problems.extend(problems);
        Ok(count.and_then(|count| sink.finish().map(|()| count)))
    }

    fn write_table(&mut self, table: Table, out: Output<'_>) -> io::Result<u64> {
        let Layout::Tables(open) = self.format.layout else {
            return Ok(0);
        };
        let mut writer = open(out, table, &self.source)?;
        let rows = match (&self.summary, table) {
            (Some(summary), Table::Summary) => write_summary(summary, &mut *writer)?,
            _ => write_events(&self.source, &mut *writer)?,
        };
        writer.finish()?;
        Ok(rows)
    }
}
