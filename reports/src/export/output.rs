//! Files that appear when they are whole.

use std::{
    fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use super::{error::ExportError, format::Output};
use crate::record::{PartFile, RecordError, write_atomic};

/// Bytes that wait in memory before they are written.
const BUFFER_BYTES: usize = 1 << 18;

/// Refuses a file that is there already.
pub(super) fn check_absent(path: &Path) -> Result<(), ExportError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(ExportError::Exists(path.to_owned())),
        // Any other fault of the path shows when the file is created.
        Err(_) => Ok(()),
    }
}

/// Creates a folder with those above it.
pub(super) fn create_folder(path: &Path) -> Result<(), ExportError> {
    fs::create_dir_all(path).map_err(|source| ExportError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Writes a file by `write`, which flushes it. The file appears when `write` has succeeded.
pub(super) fn write_file<T>(
    path: PathBuf,
    write: impl FnOnce(Output<'static>) -> Result<T, ExportError>,
) -> Result<T, ExportError> {
    let (part, file) = PartFile::create(&path).map_err(|error| match error {
        // The path that the user gave, and not that of the unfinished file.
        RecordError::Io { source, .. } => ExportError::Write { path, source },
        error => error.into(),
    })?;
    let written = write(Box::new(BufWriter::with_capacity(BUFFER_BYTES, file)))?;
    part.commit()?;
    Ok(written)
}

/// Writes a text as a file.
pub(super) fn write_text(path: &Path, text: &str) -> Result<(), ExportError> {
    Ok(write_atomic(path, text.as_bytes())?)
}

/// Returns a stream with a buffer before it.
pub(super) fn buffered<'w>(out: Box<dyn Write + Send + 'w>) -> Output<'w> {
    Box::new(BufWriter::with_capacity(BUFFER_BYTES, out))
}
