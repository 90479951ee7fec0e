//! The formats of an export.
//!
//! A new format is a file beside these, and a line in [`FORMATS`].

use std::io::{self, Write};

use super::{
    csv, jsonl, prometheus,
    samples::SampleSink,
    source::ExportSource,
    table::{Table, TableWriter},
};

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

/// All formats, in the order of the help text.
static FORMATS: &[ExportFormat] = &[csv::FORMAT, PARQUET, jsonl::FORMAT, prometheus::FORMAT];

#[cfg(feature = "parquet")]
const PARQUET: ExportFormat = super::parquet::FORMAT;

/// The name of the format in builds that cannot write it, so that the error says why.
#[cfg(not(feature = "parquet"))]
const PARQUET: ExportFormat = ExportFormat {
    name: "parquet",
    about: "columns; this build lacks the feature `parquet`",
    extension: "parquet",
    has_schema_file: false,
    layout: Layout::FeatureMissing,
};

/// Returns all formats, in the order of the help text.
pub fn formats() -> impl Iterator<Item = &'static ExportFormat> {
    FORMATS.iter()
}

impl ExportFormat {
    /// Whether the format has one file, which holds the samples alone.
    pub fn is_one_file(&self) -> bool {
        matches!(self.layout, Layout::Samples(_))
    }

    /// Whether its files are no text, which a terminal cannot show.
    pub fn is_binary(&self) -> bool {
        self.extension == PARQUET.extension
    }

    /// Returns the tables that it can hold.
    pub(super) fn tables(&self) -> &'static [Table] {
        match self.is_one_file() {
            true => &[Table::Samples],
            false => &Table::ALL,
        }
    }
}
