//! The lock that tells a run that lasts from one that was killed.
//!
//! A writer holds a lock on the record's directory (flock(2)). The kernel releases it with
//! the process, however that ends, so it needs no clean-up and no process id.

use std::{
    fs::{File, TryLockError},
    path::Path,
};

use super::RecordError;

/// Locks the directory until the returned file is dropped.
///
/// # Errors
/// [`RecordError::InUse`] if another process holds the lock.
pub(super) fn lock(dir: &Path) -> Result<File, RecordError> {
    let file = File::open(dir).map_err(RecordError::io("read", dir))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(RecordError::InUse(dir.to_owned())),
        // Some network file systems know no locks: a run works without one.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Whether a process writes a record into the directory.
pub(crate) fn is_locked(dir: &Path) -> bool {
    // Released at once, with the file.
    File::open(dir)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
