//! Temporary folders that do not outlive their process for long.
//!
//! A folder is removed when it is dropped. A process that is killed drops nothing, so the next
//! one removes what it left: keys must not stay on a machine. Each folder is locked (flock(2)),
//! and the kernel releases the lock of a process that ends.

use std::{
    fs::{self, File},
    io,
    path::Path,
    time::Duration,
};

use tempfile::TempDir;

/// Start of the folders' names.
const PREFIX: &str = "highwater-";
/// Age from which a folder without a lock belongs to no process. A younger one may be about to
/// be locked.
const MIN_ABANDONED_AGE: Duration = Duration::from_secs(60);

/// A temporary folder that only its owner may read.
#[derive(Debug)]
pub(super) struct TempFolder {
    folder: TempDir,
    /// Held for as long as the folder is in use.
    _lock: File,
}

impl TempFolder {
    /// Creates a folder whose name contains `purpose`, and removes those that processes left
    /// which were killed.
    pub(super) fn create(purpose: &str) -> io::Result<Self> {
        remove_abandoned(&std::env::temp_dir(), MIN_ABANDONED_AGE);
        let folder = TempDir::with_prefix(format!("{PREFIX}{purpose}-"))?;
        let lock = File::open(folder.path())?;
        // Some file systems know no locks. The folder is then removed by its own process only.
        let _ = lock.try_lock();
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders of this user that no process holds. What cannot be removed stays,
/// because a run does not need it gone.
fn remove_abandoned(within: &Path, min_age: Duration) {
    let Ok(entries) = fs::read_dir(within) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_ours = ["tls-", "balancer-"].iter().any(|purpose| {
            name.to_str()
                .and_then(|name| name.strip_prefix(PREFIX))
                .is_some_and(|rest| rest.starts_with(purpose))
        });
        // `metadata` of an entry follows no link.
        let Some(metadata) = entry.metadata().ok().filter(fs::Metadata::is_dir) else {
            continue;
        };
        let age = metadata.modified().ok().and_then(|at| at.elapsed().ok());
        if is_ours && is_own(&metadata) && age.is_some_and(|age| age >= min_age) {
            let path = entry.path();
            if File::open(&path).is_ok_and(|folder| folder.try_lock().is_ok()) {
                let _ = fs::remove_dir_all(path);
            }
        }
    }
}

fn is_own(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.uid() == nix::unistd::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_that_no_process_holds_are_removed() {
        let within = tempfile::tempdir().unwrap();
        let create = |name: &str| {
            let path = within.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("node.key"), "key").unwrap();
            path
        };
        let abandoned = create("highwater-tls-abc");
        let held = create("highwater-balancer-abc");
        let foreign = create("highwater-notes");
        let lock = File::open(&held).unwrap();
        lock.try_lock().unwrap();
        remove_abandoned(within.path(), MIN_ABANDONED_AGE);
        assert!(abandoned.exists(), "it is younger than a minute");
        remove_abandoned(within.path(), Duration::ZERO);
        assert!(!abandoned.exists());
        assert!(held.exists() && foreign.exists());
    }
}
