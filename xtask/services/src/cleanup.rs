//! Removal of directories whose service is never dropped.

use std::{
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use parking_lot::Mutex;

/// Children that wait for the end of this process. Their stdin must stay open until then.
static CLEANUP_CHILDREN: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// Removes a directory once this process has ended, however it ends: a shell waits
/// for the end of its input, whose other end only this process holds.
pub(crate) fn remove_after_exit(directory: &Path) -> io::Result<()> {
    let waiting = Command::new("sh")
        .args(["-c", "read -r _; exec rm -rf -- \"$0\""])
        .arg(directory)
        // In a group of its own: Ctrl-C would end the shell before this process.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    CLEANUP_CHILDREN.lock().push(waiting);
    Ok(())
}
