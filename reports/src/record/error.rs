//! Why a run record could not be written or read.

use std::path::{Path, PathBuf};

/// Why a run record could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A record is only ever started in a directory of its own.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// The file system refused.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// What was being done: `read`, `write`, `create`.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file that must be whole is not JSON of the expected form.
    #[error("{} is not a valid manifest", .path.display())]
    Manifest {
        /// The manifest's path.
        path: PathBuf,
        /// Where it differs.
        source: serde_json::Error,
    },
    /// The record was written by a version with another format.
    #[error("{} has record schema {found}, this version reads 1 and {expected}", .path.display())]
    Schema {
        /// The manifest's path.
        path: PathBuf,
        /// Schema found there.
        found: u32,
        /// Schema that this crate writes.
        expected: u32,
    },
    /// A value could not be put into its form on disk.
    #[error("cannot encode a line of {file}: {reason}")]
    Encode {
        /// Name of the file.
        file: &'static str,
        /// In words.
        reason: String,
    },
}

impl RecordError {
    /// For `map_err` on file operations.
    pub(crate) fn io<'a>(
        action: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(std::io::Error) -> Self + 'a {
        move |source| Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
