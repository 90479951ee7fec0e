//! The log file of a child.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::error::LogTail;

/// Most lines of a log that an error message shows.
const TAIL_LINES: usize = 12;

/// Part of a log that its last lines are read from, in bytes: a log may be large.
const TAIL_BYTES: u64 = 8 * 1024;

/// Returns the last lines of a log. A log that cannot be read has none.
pub fn tail(path: &Path) -> LogTail {
    LogTail(last_lines(path).unwrap_or_default())
}

/// Opens a log for appending, and creates it if it is missing. Only its owner may read it,
/// because programs log addresses and names of the system.
pub(super) fn open(path: &Path) -> io::Result<File> {
    // A process that is started again continues the log of the first one.
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600).open(path)
}

fn last_lines(path: &Path) -> io::Result<Vec<String>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    // The start of the tail may fall into a character.
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    Ok(lines[from..]
        .iter()
        .map(|line| (*line).to_owned())
        .collect())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn appended_log_ends_with_its_last_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("n1.log");
        for number in 0..5_000 {
            writeln!(open(&path).unwrap(), "line {number}").unwrap();
        }
        let lines = tail(&path).0;
        assert_eq!(lines.len(), TAIL_LINES);
        assert_eq!(lines.last().unwrap(), "line 4999");
    }

    #[test]
    fn missing_log_has_no_lines() {
        assert_eq!(tail(Path::new("/nowhere/n1.log")).0, Vec::<String>::new());
    }
}
