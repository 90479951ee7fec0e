//! The errors of an export.

use std::{io, path::PathBuf};

use crate::record::RecordError;

/// An error of exporting a run.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The record cannot be read, or a file cannot be created.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A file of an earlier export is there.
    #[error("cannot write {}: it exists already", .0.display())]
    Exists(PathBuf),
    /// The format has no such table.
    #[error("cannot write the table {table} as {format}: this format has samples alone")]
    NoSuchTable {
        /// Name of the table.
        table: &'static str,
        /// Name of the format.
        format: &'static str,
    },
    /// The format needs a feature that this build lacks.
    #[error("cannot write {format}: this build lacks the feature `{format}`")]
    FeatureMissing {
        /// Name of the format and of the feature.
        format: &'static str,
    },
    /// The description of the tables has no form in JSON.
    #[error("cannot write the description of the tables")]
    Schema(#[from] serde_json::Error),
    /// A file cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A stream takes no more.
    #[error("cannot write the table")]
    Stream(#[source] io::Error),
}
