//! Files that exist in full or not at all.

use std::{fs, path::Path};

use super::RecordError;

/// Writes a file beside `path` and renames it. A reader never sees half a file, and a process
/// that is killed leaves the old one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    fs::write(&part, bytes).map_err(RecordError::io("write", &part))?;
    // A rename within a directory is atomic on POSIX file systems.
    fs::rename(&part, path).map_err(RecordError::io("write", path))
}
