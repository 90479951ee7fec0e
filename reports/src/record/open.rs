//! Files of a record, opened only if they are regular and not too long.
//!
//! A directory from another person may hold anything under a record's names: reading a pipe
//! waits forever, and a device may have no end.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use super::RecordError;

/// Most bytes of a file of lines: a day of 200 nodes has somewhat less.
pub(crate) const MAX_LINES_BYTES: u64 = 8 << 30;
/// Most bytes of a file that is read as a whole.
pub(crate) const MAX_WHOLE_BYTES: u64 = 64 << 20;

/// Opens a regular file of at most `limit` bytes.
pub(crate) fn open_regular(path: &Path, limit: u64) -> Result<File, RecordError> {
    // Before the file is opened, because opening a pipe waits for its writer.
    let metadata = fs::metadata(path).map_err(RecordError::io("read", path))?;
    if !metadata.is_file() {
        return Err(RecordError::NotAFile(path.to_owned()));
    }
    if metadata.len() > limit {
        return Err(RecordError::TooLarge {
            path: path.to_owned(),
            bytes: metadata.len(),
            limit,
        });
    }
    File::open(path).map_err(RecordError::io("read", path))
}

/// Reads a regular file as a whole.
pub(crate) fn read_whole(path: &Path) -> Result<Vec<u8>, RecordError> {
    let file = open_regular(path, MAX_WHOLE_BYTES)?;
    let mut bytes = Vec::new();
    // Bounded again, because the file may grow meanwhile.
    file.take(MAX_WHOLE_BYTES)
        .read_to_end(&mut bytes)
        .map_err(RecordError::io("read", path))?;
    Ok(bytes)
}
