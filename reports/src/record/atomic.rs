//! Files that are there in full or not at all.

use std::{fs::File, io::Write, path::Path};

use super::RecordError;

/// Writes beside `path`, then renames: a reader never sees half a file, and a
/// crash leaves the old one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let mut file = File::create(&part).map_err(RecordError::io("create", &part))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(RecordError::io("write", &part))?;
    std::fs::rename(&part, path).map_err(RecordError::io("write", path))
}
