//! The errors of writing and reading a run record.

use std::path::{Path, PathBuf};

use super::RECORD_SCHEMA;

/// An error of writing or reading a run record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The directory of a new record has files already.
    #[error("cannot start a record in {}: the directory is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// Another process writes a record into the directory.
    #[error("cannot start a record in {}: another run writes into it", .0.display())]
    InUse(PathBuf),
    /// A file of a record is a pipe, a device or a directory.
    #[error("cannot read {}: it is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// A file of a record is longer than any run writes.
    #[error(
        "cannot read {}: it has {bytes} bytes, and at most {limit} are read",
        .path.display()
    )]
    TooLarge {
        /// Path of the file.
        path: PathBuf,
        /// Length of the file.
        bytes: u64,
        /// Longest file that is read.
        limit: u64,
    },
    /// A file operation failed.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// Operation: `read`, `write`, `create`.
        action: &'static str,
        /// Path of the file or directory.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The manifest is not JSON of the expected form.
    #[error("{} is not a valid manifest", .path.display())]
    Manifest {
        /// Path of the manifest.
        path: PathBuf,
        /// Cause.
        source: serde_json::Error,
    },
    /// The record was written by a version with another format.
    #[error(
        "{} has record schema {found}, this version reads 1 and {RECORD_SCHEMA}",
        .path.display()
    )]
    Schema {
        /// Path of the manifest.
        path: PathBuf,
        /// Schema in the manifest.
        found: u32,
    },
    /// A value has no form on disk.
    #[error("cannot encode a line of {file}: {reason}")]
    Encode {
        /// Name of the file.
        file: &'static str,
        /// Cause in words.
        reason: String,
    },
}

impl RecordError {
    /// Returns a function for `map_err` on file operations.
    pub(crate) fn io<'a>(
        action: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(std::io::Error) -> Self + 'a {
        // A closure keeps the path out of the way unless the operation fails.
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
