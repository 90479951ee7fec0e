//! The registry of formats.
//!
//! A new format is a file beside these, and a line in [`FORMATS`].

#[cfg(feature = "parquet")]
use super::parquet;
use super::{csv, format::ExportFormat, jsonl, prometheus};

#[cfg(not(feature = "parquet"))]
use super::format::Layout;

/// All formats, in the order of the help text.
static FORMATS: &[ExportFormat] = &[csv::FORMAT, PARQUET, jsonl::FORMAT, prometheus::FORMAT];

#[cfg(feature = "parquet")]
const PARQUET: ExportFormat = parquet::FORMAT;

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
