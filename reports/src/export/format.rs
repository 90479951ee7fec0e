//! A format of an export.

use std::io::{self, Write};

use super::{column::TableWriter, samples::SampleSink, source::ExportSource, table::Table};

/// A stream that a format writes to. Writers of some formats are moved between threads.
pub(super) type Output<'w> = Box<dyn Write + Send + 'w>;

/// A format of an export.
#[derive(Debug)]
pub struct ExportFormat {
    /// Name on the command line.
    pub name: &'static str,
    /// Use of it, in a phrase.
    pub about: &'static str,
    /// Ending of its files.
    pub(super) extension: &'static str,
    /// Whether a description of the columns stands beside the tables. Other formats have it
    /// within.
    pub(super) has_schema_file: bool,
    /// The content of its files.
    pub(super) layout: Layout,
}

/// The content of a format's files.
#[derive(Debug)]
pub(super) enum Layout {
    /// Each file holds one table.
    Tables(OpenTable),
    /// The one file holds the samples, in the format's own order.
    Samples(OpenSamples),
    /// This build cannot write the format.
    #[cfg(not(feature = "parquet"))]
    FeatureMissing,
}

/// Opens the writer of a table.
pub(super) type OpenTable =
    for<'w> fn(Output<'w>, Table, &ExportSource) -> io::Result<Box<dyn TableWriter + 'w>>;

/// Opens the writer of all samples.
pub(super) type OpenSamples =
    for<'w> fn(Output<'w>, &ExportSource) -> io::Result<Box<dyn SampleSink + 'w>>;

impl ExportFormat {
    /// Whether the format has one file, which holds the samples alone.
    pub fn is_one_file(&self) -> bool {
        matches!(self.layout, Layout::Samples(_))
    }

    /// Whether its files are no text, which a terminal cannot show.
    pub fn is_binary(&self) -> bool {
        // Tables that are texts have their description beside them.
        matches!(self.layout, Layout::Tables(_)) && !self.has_schema_file
    }

    /// Returns the tables that it can hold.
    pub(super) fn tables(&self) -> &'static [Table] {
        match self.is_one_file() {
            true => &[Table::Samples],
            false => &Table::ALL,
        }
    }
}
