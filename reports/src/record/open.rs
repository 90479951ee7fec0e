//! Files of a record, opened only if they are regular and not too long.
//!
//! A directory that somebody sends may hold anything under a record's names: reading a pipe
//! waits forever, and a device may have no end.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read},
    path::Path,
};

use super::RecordError;

/// Most bytes of a file of lines: a day of 200 nodes has somewhat less.
pub(crate) const MAX_LINES_BYTES: u64 = 8 << 30;
/// Most bytes of a file that is read as a whole.
pub(crate) const MAX_WHOLE_BYTES: u64 = 64 << 20;

/// Opens a regular file of at most `limit` bytes; `None` if it is missing.
pub(crate) fn open_regular(path: &Path, limit: u64) -> Result<Option<File>, RecordError> {
    // Before the file is opened, because opening a pipe waits for its writer.
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Err(RecordError::NotAFile(path.to_owned())),
        Ok(metadata) if metadata.len() > limit => {
            return Err(RecordError::TooLarge {
                path: path.to_owned(),
                bytes: metadata.len(),
                limit,
            });
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RecordError::io("read", path)(error)),
    }
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RecordError::io("read", path)(error)),
    }
}

/// Reads a regular file as a whole.
pub(crate) fn read_whole(path: &Path) -> Result<Vec<u8>, RecordError> {
    let missing = || RecordError::io("read", path)(ErrorKind::NotFound.into());
    let file = open_regular(path, MAX_WHOLE_BYTES)?.ok_or_else(missing)?;
    let mut bytes = Vec::new();
    // Bounded again, because the file may grow meanwhile.
    file.take(MAX_WHOLE_BYTES)
        .read_to_end(&mut bytes)
        .map_err(RecordError::io("read", path))?;
    Ok(bytes)
}
