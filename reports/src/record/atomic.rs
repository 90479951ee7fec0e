//! Files that exist in full or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::RecordError;

/// Mode of files that anybody may read, less the process's umask.
const PUBLIC_MODE: u32 = 0o666;
/// Mode of files that only their owner may read.
pub(crate) const PRIVATE_MODE: u32 = 0o600;

/// Writes a file beside `path` and renames it. A reader never sees half a file, and a process
/// that is killed leaves the old one. A link at `path` is replaced and not followed.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    write_with_mode(path, bytes, PUBLIC_MODE)
}

/// Writes a file beside `path` and renames it, so that a reader never sees half a file. Only
/// its owner may read it.
///
/// # Errors
/// When a file operation fails.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    write_with_mode(path, bytes, PRIVATE_MODE)
}

/// Creates a directory, in place of a link if there is one.
pub(crate) fn create_dir(path: &Path) -> Result<(), RecordError> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
        remove_if_present(path)?;
    }
    fs::create_dir_all(path).map_err(RecordError::io("create", path))
}

fn write_with_mode(path: &Path, bytes: &[u8], mode: u32) -> Result<(), RecordError> {
    let (part, mut file) = PartFile::create_with_mode(path, mode)?;
    file.write_all(bytes)
        .map_err(RecordError::io("write", &part.part))?;
    part.commit()
}

/// A file beside its final path, which a process is still writing. If it is dropped before it is
/// committed, it is removed.
#[derive(Debug)]
pub(crate) struct PartFile {
    part: PathBuf,
    path: PathBuf,
    is_committed: bool,
}

impl PartFile {
    /// Creates the file for `path`. What another process left there is replaced, and a link is
    /// not followed.
    pub(crate) fn create(path: &Path) -> Result<(Self, File), RecordError> {
        Self::create_with_mode(path, PUBLIC_MODE)
    }

    fn create_with_mode(path: &Path, mode: u32) -> Result<(Self, File), RecordError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        // What a process left that was killed, or a link, which must not be written through.
        remove_if_present(&part)?;
        let mut options = OpenOptions::new();
        // `create_new` follows no link.
        let file = options.write(true).create_new(true).mode(mode).open(&part);
        let file = file.map_err(RecordError::io("write", &part))?;
        let part = Self {
            part,
            path: path.to_owned(),
            is_committed: false,
        };
        Ok((part, file))
    }

    /// Gives the file its name.
    pub(crate) fn commit(mut self) -> Result<(), RecordError> {
        // A rename within a directory is atomic on POSIX file systems, and replaces a link.
        fs::rename(&self.part, &self.path).map_err(RecordError::io("write", &self.path))?;
        self.is_committed = true;
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.is_committed {
            // A file that cannot be removed is replaced by the next writer.
            let _ = fs::remove_file(&self.part);
        }
    }
}

fn remove_if_present(path: &Path) -> Result<(), RecordError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(RecordError::io("write", path)(error))
        }
        _ => Ok(()),
    }
}
